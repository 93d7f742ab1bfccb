"""Word problems of many topics, each told in three ways: as first written, and twice in other words.

``{n}`` and ``{m}`` are names, ``{a}`` … ``{d}`` numbers. The answer is an expression over the numbers; ``ranges`` keep it whole and
positive. A sentence in ``[…]`` is a distractor: the problem is the same without it.
"""

from __future__ import annotations

from typing import NamedTuple


class Schema(NamedTuple):
    """One problem with its numbers left open."""

    told: str
    reworded: tuple[str, str]
    answer: str
    ranges: dict[str, tuple[int, int]]


def _schema(told: str, first: str, second: str, answer: str, **ranges: tuple[int, int]) -> Schema:
    return Schema(told, (first, second), answer, ranges)


SCHEMAS = [
    _schema(
        "{n} sold {a} clips in April and then {b} clips in May. [It rained on {d} of the days.] How many clips did {n} sell altogether?",
        "In two months {n}'s clips found buyers: {a} of them in April, another {b} in May. What is the total number sold?",
        "Altogether, how many clips were sold by {n} if April brought sales of {a} and May sales of {b}?",
        "a+b", a=(20, 90), b=(10, 80), d=(3, 19),
    ),
    _schema(
        "{n} earns ${a} an hour for babysitting. This week {n} worked {b} hours and spent ${c} on lunch. How much money is left?",
        "For every hour of babysitting {n} is paid ${a}. After {b} hours this week, lunch took ${c} of the pay. How many dollars remain?",
        "Lunch cost {n} ${c} this week. Babysitting brings in ${a} per hour, and the week had {b} hours of it. What amount is left over?",
        "a*b-c", a=(9, 25), b=(4, 15), c=(5, 30),
    ),
    _schema(
        "A bakery makes {a} trays of muffins with {b} muffins on each tray. It sells {c} muffins before noon. How many muffins are left?",
        "{c} muffins were sold in the morning by a bakery that had baked {a} trays, each holding {b} of them. How many were not sold?",
        "On each of {a} trays a baker puts {b} muffins. Once {c} have gone to customers by midday, how many muffins remain?",
        "a*b-c", a=(6, 20), b=(8, 24), c=(10, 45),
    ),
    _schema(
        "{n} reads {a} pages of a book every day. The book has {b} pages. How many pages are left after {c} days?",
        "A {b}-page book is being read by {n} at {a} pages per day. How many pages has {n} still to read when {c} days have passed?",
        "After {c} days of reading {a} pages daily, how much of a book of {b} pages remains unread for {n}?",
        "b-a*c", a=(11, 25), b=(300, 480), c=(5, 11),
    ),
    _schema(
        "A train travels at {a} miles per hour for {b} hours and then at {c} miles per hour for {d} hours. How far does it go in total?",
        "For {b} hours a train goes {a} mph; its speed is {c} mph during the {d} hours that follow. What distance does it cover?",
        "What is the length in miles of a train journey of two parts: {b} hours at a speed of {a} mph, then {d} hours at {c} mph?",
        "a*b+c*d", a=(35, 75), b=(2, 6), c=(40, 90), d=(3, 7),
    ),
    _schema(
        "{n} has {a} marbles. {m} has {b} more marbles than {n}. How many marbles do they have together?",
        "{m} owns {b} marbles more than {n}, who owns {a}. If they put all of theirs in one jar, how many does it hold?",
        "Together, how many marbles belong to {n} and {m}, given that {n} has {a} and {m} exceeds that by {b}?",
        "2*a+b", a=(21, 99), b=(12, 60),
    ),
    _schema(
        "A farmer plants {a} rows of corn with {b} plants in each row. [He owns {d} cows.] {c} plants die. How many plants survive?",
        "Of the corn a farmer planted, {c} plants were lost. There had been {a} rows, {b} to the row. How many are still alive?",
        "In a field stand {a} rows of corn, {b} plants long each. If {c} of the plants wither, what number lives on?",
        "a*b-c", a=(10, 30), b=(12, 40), c=(15, 90), d=(3, 18),
    ),
    _schema(
        "{n} buys {a} notebooks for ${b} each and {c} pens for ${d} each. How much does {n} pay in all?",
        "What does {n} spend at the shop on {c} pens, costing ${d} apiece, together with {a} notebooks at ${b} apiece?",
        "At a price of ${b} per notebook and ${d} per pen, what is the bill of {n}, who takes {a} of the former and {c} of the latter?",
        "a*b+c*d", a=(3, 12), b=(4, 15), c=(5, 20), d=(2, 9),
    ),
    _schema(
        "A tank holds {a} liters of water. It leaks {b} liters every hour. How many liters are left after {c} hours?",
        "Every hour {b} liters drip out of a tank that was filled with {a} liters. After {c} hours, how much water does it still contain?",
        "{c} hours ago a tank had {a} liters in it, and it has been losing {b} liters an hour since. What quantity remains?",
        "a-b*c", a=(200, 500), b=(7, 19), c=(4, 10),
    ),
    _schema(
        "There are {a} students in a school. {b} of them walk to school, {c} take the bus and the rest cycle. How many students cycle?",
        "Of a school's {a} pupils, {c} come by bus and {b} on foot; all others ride a bicycle. How many ride one?",
        "The bus brings {c} children and {b} arrive walking. If the school counts {a} children in all, how many come by bike?",
        "a-b-c", a=(400, 900), b=(80, 190), c=(95, 200),
    ),
    _schema(
        "{n} saves ${a} every week for {b} weeks. [A friend of {n} saves for {d} weeks.] Then {n} buys a bike for ${c}. How much is left?",
        "For {b} weeks {n} puts ${a} aside weekly, and from these savings a bicycle is bought at ${c}. How much of it remains?",
        "A bike costing ${c} is paid for by {n} out of {b} weeks of savings at ${a} per week. What sum stays in the purse?",
        "a*b-c", a=(15, 40), b=(12, 24), c=(90, 170), d=(5, 11),
    ),
    _schema(
        "A recipe needs {a} cups of flour for one cake. {n} bakes {b} cakes and uses {c} more cups for cookies. How many cups are used?",
        "How much flour does {n} need for {b} cakes, each taking {a} cups, if the cookies call for an additional {c} cups?",
        "{n} makes cookies from {c} cups of flour, and {b} cakes as well. With {a} cups going into every cake, how many cups are that?",
        "a*b+c", a=(3, 7), b=(4, 16), c=(5, 19),
    ),
    _schema(
        "A theater has {a} rows with {b} seats each. For the evening show {c} tickets were sold. How many seats stay empty?",
        "How many places in a theater are free tonight when {c} tickets have been sold and it seats {b} people in each of its {a} rows?",
        "{c} people bought tickets for a play. The hall offers {a} rows of {b} seats. Find the number of unused seats.",
        "a*b-c", a=(18, 35), b=(20, 36), c=(150, 350),
    ),
    _schema(
        "{n} is {a} years old. {m} is {b} years older than {n}. What will be the sum of their ages in {c} years?",
        "{m} was born {b} years before {n}, whose age is now {a}. {c} years from today, how old will the two be taken together?",
        "In {c} years, what do the ages of {n} and {m} add up to, if {n} is {a} today and {m} has {b} years on {n}?",
        "2*a+b+2*c", a=(11, 40), b=(5, 22), c=(4, 17),
    ),
    _schema(
        "A shop sells apples at ${a} a kilo. On Monday it sold {b} kilos and on Tuesday {c} kilos. How much money did it take?",
        "{b} kilos of apples left a store on Monday, {c} kilos a day later, at a price of ${a} for the kilo. What were the earnings?",
        "What income do apples bring a grocer who charges ${a} per kilo and sells {b} kilos Monday and {c} kilos Tuesday?",
        "a*(b+c)", a=(3, 9), b=(25, 80), c=(30, 95),
    ),
    _schema(
        "{n} runs {a} miles on each weekday and {b} miles on each day of the weekend. How many miles does {n} run in {c} weeks?",
        "From Monday to Friday {n} jogs {a} miles a day; Saturdays and Sundays it is {b}. Over {c} weeks, how many miles are covered?",
        "How far does {n} get in {c} weeks of running, with {b} miles on Saturday and Sunday each and {a} on every other day?",
        "c*(5*a+2*b)", a=(3, 9), b=(5, 14), c=(3, 12),
    ),
    _schema(
        "A factory produces {a} toys per day. {b} of the toys made each day are broken. How many good toys are made in {c} days?",
        "Each day, {b} out of the {a} toys that leave a factory's line are faulty. What number of faultless ones do {c} days give?",
        "In {c} days, how many toys without defects come from a plant whose daily output is {a}, of which {b} fail inspection?",
        "(a-b)*c", a=(90, 300), b=(7, 30), c=(5, 20),
    ),
    _schema(
        "{n} collects {a} stamps a month. After {b} months {n} gives {c} stamps to {m}. How many stamps does {n} have?",
        "{m} receives {c} stamps from {n}, who had gathered {a} monthly for {b} months. How large is the collection of {n} now?",
        "Having added {a} stamps to an album in each of {b} months, {n} parts with {c} of them as a present. How many are left?",
        "a*b-c", a=(12, 45), b=(5, 15), c=(11, 50),
    ),
    _schema(
        "A bus starts with {a} passengers. At the first stop {b} get off and {c} get on. [It takes {d} minutes.] How many ride now?",
        "{a} people sat in a bus when it set out. {c} boarded at its first halt while {b} left. What is the number of riders after that?",
        "At one stop {b} travellers leave a bus that carried {a}, and {c} new ones enter. How many does it carry on from there?",
        "a-b+c", a=(30, 60), b=(6, 19), c=(5, 25), d=(21, 50),
    ),
    _schema(
        "A painter needs {a} hours to paint one room. How many hours are needed for {b} houses with {c} rooms each?",
        "Painting a single room takes {a} hours. There are {b} houses to be done and every one has {c} rooms. How long is the work?",
        "{b} houses of {c} rooms wait for a painter who spends {a} hours per room. For how many hours will the painter be busy?",
        "a*b*c", a=(3, 9), b=(4, 12), c=(5, 11),
    ),
    _schema(
        "{n} had {a} stickers, lost {b} of them and then shared the rest equally with {c} friends, {n} included. How many did each get?",
        "After losing {b} out of {a} stickers, {n} splits what is left into {c} equal parts. What does one part hold?",
        "Equal shares are made for {c} children from the stickers of {n}: there were {a} until {b} went missing. How big is a share?",
        "(a-b)//c", a=(120, 260), b=(13, 60), c=(3, 8),
    ),
    _schema(
        "A phone costs ${a}. It is sold at a discount of {b} percent. {n} pays with ${c}. How much change does {n} get?",
        "{n} hands over ${c} for a phone whose price of ${a} was cut by {b} percent. How many dollars come back?",
        "With {b} percent off the regular ${a}, what does the cashier return to {n}, who gives ${c} for the phone?",
        "c-a+a*b//100", a=(200, 390), b=(10, 40), c=(400, 600),
    ),
    _schema(
        "In a parking lot there are {a} cars and {b} motorcycles. How many wheels are there, counting {c} spare wheels too?",
        "Count the wheels of a lot where {b} motorcycles and {a} cars are parked, plus {c} spare ones.",
        "Four per car, two per motorcycle: with {a} of the first and {b} of the second, and {c} lying around, how many wheels are it?",
        "4*a+2*b+c", a=(15, 60), b=(7, 30), c=(3, 14),
    ),
    _schema(
        "{n} plants {a} tulips and three times as many roses. Then {b} flowers are picked. How many flowers are in the garden?",
        "The garden of {n} got {a} tulips; of roses it got three times that. If {b} flowers are cut, how many keep growing?",
        "Roses outnumber tulips three to one where {n} gardens, and tulips are {a}. Take away {b} flowers that were picked: what remains?",
        "4*a-b", a=(14, 60), b=(8, 40),
    ),
    _schema(
        "A library had {a} books. It bought {b} new books and threw away {c} old ones. How many books stand on each of {d} shelves?",
        "On {d} shelves a library spreads its books evenly: {a} from before, {b} just bought, minus {c} discarded. How many each?",
        "{c} worn books were removed and {b} fresh ones came in at a library of {a}. Divided among {d} shelves, how many stand on one?",
        "(a+b-c)//d", a=(500, 900), b=(60, 150), c=(25, 70), d=(6, 15),
    ),
    _schema(
        "{n} drinks {a} glasses of water each day and {m} drinks {b}. How many glasses more does {m} drink in {c} days?",
        "Daily, {m} has {b} glasses of water against the {a} of {n}. By how many do they differ once {c} days are over?",
        "Over {c} days, what is the lead of {m}, at {b} glasses a day, over {n}, at {a} glasses a day?",
        "(b-a)*c", a=(4, 9), b=(11, 17), c=(12, 31),
    ),
    _schema(
        "A pool is filled by two pipes. One gives {a} gallons a minute, the other {b} gallons. How many are there after {c} minutes?",
        "Water enters a pool from a pipe at {a} gallons per minute and from a second at {b}. What has flowed in when {c} minutes are up?",
        "After running for {c} minutes, what do a {a}-gallon-a-minute pipe and a {b}-gallon-a-minute pipe bring into a pool together?",
        "(a+b)*c", a=(12, 40), b=(15, 55), c=(14, 60),
    ),
    _schema(
        "{n} scored {a}, {b} and {c} points in three games. How many points are missing to a season total of {d}?",
        "The season target of {n} is {d} points. The games so far brought {a}, {b} and {c}. How many more are needed?",
        "To reach {d}, what must {n} still score after results of {c}, {b} and {a}?",
        "d-a-b-c", a=(12, 40), b=(14, 45), c=(11, 50), d=(160, 300),
    ),
    _schema(
        "A crate holds {a} oranges. A truck carries {b} crates and makes {c} trips. How many oranges does it deliver?",
        "On each of its {c} trips a truck is loaded with {b} crates, every one packed with {a} oranges. How many oranges arrive?",
        "How many oranges were brought by a lorry driving {c} times with {b} boxes, if a box has {a} of them?",
        "a*b*c", a=(24, 60), b=(15, 40), c=(3, 9),
    ),
    _schema(
        "{n} wants to build {a} tables. Each table needs {b} legs and {c} screws per leg. How many screws are needed?",
        "For every leg of a table {c} screws are used. {n} plans {a} tables of {b} legs. What number of screws should be bought?",
        "Screws go {c} to a leg and legs {b} to a table. How many screws does it take {n} to make {a} tables?",
        "a*b*c", a=(5, 18), b=(3, 6), c=(4, 11),
    ),
    _schema(
        "A hiker climbs {a} meters in the morning and {b} meters in the afternoon. The peak is at {c} meters. How far is it to the top?",
        "The summit lies {c} meters up. Before lunch a climber gained {a} of them, after lunch {b}. What height is still to be climbed?",
        "Having gone up {a} meters by noon and {b} by evening, how many meters below a {c}-meter peak does a hiker camp?",
        "c-a-b", a=(350, 700), b=(240, 600), c=(1500, 2900),
    ),
    _schema(
        "{n} rents a car for {a} days at ${b} per day plus ${c} for insurance. How much does the rent cost in total?",
        "A rented car costs {n} ${b} daily, and insurance is a single ${c}. What is paid for {a} days?",
        "{a} days with a hired car: ${c} insurance once, ${b} for each day. What does the bill of {n} come to?",
        "a*b+c", a=(3, 14), b=(35, 80), c=(25, 90),
    ),
    _schema(
        "There are {a} chickens on a farm. Each lays {b} eggs a week. The farmer sells them by the dozen at ${c}. What is earned weekly?",
        "A farmer gets ${c} for a dozen eggs. If {a} chickens give {b} eggs each per week, what do a week's eggs bring?",
        "Weekly, each of the {a} hens on a farm lays {b} eggs, which go for ${c} the dozen. How much money is that?",
        "a*b//12*c", a=(24, 96), b=(3, 7), c=(3, 8),
    ),
    _schema(
        "{n} types {a} words per minute. An essay has {b} words. [{n} has {d} essays in a folder.] How many are left after {c} minutes?",
        "An essay of {b} words is typed by {n}, who manages {a} words a minute. When {c} minutes are gone, how many are still missing?",
        "How much of a {b}-word essay has {n} not typed yet after {c} minutes at a rate of {a} words each?",
        "b-a*c", a=(31, 60), b=(900, 1600), c=(6, 14), d=(3, 25),
    ),
    _schema(
        "A class of {a} pupils goes to the zoo. A ticket costs ${b}, and the bus costs ${c}. What does each pay if they share evenly?",
        "The bus for a trip to the zoo is ${c} and admission is ${b} a head. Shared fairly, how much is it for each of the {a} pupils?",
        "{a} children divide the ${c} for a bus among themselves and pay ${b} each to enter the zoo. What does the day cost one child?",
        "b+c//a", a=(15, 30), b=(6, 15), c=(120, 300),
    ),
    _schema(
        "{n} cuts a rope of {a} meters into pieces of {b} meters. {c} pieces are used. How many pieces remain?",
        "From a rope {a} meters long {n} makes pieces, each {b} meters. If {c} of these are used up, what number is left?",
        "Pieces of {b} meters are cut out of {a} meters of rope, and {n} needs {c} of them. How many does {n} have to spare?",
        "a//b-c", a=(160, 400), b=(4, 9), c=(5, 15),
    ),
    _schema(
        "A baker mixes {a} grams of sugar with {b} grams of butter and {c} grams of flour. It makes {d} buns. What does one weigh?",
        "{d} buns of equal weight are formed from a dough of {c} grams flour, {b} grams butter and {a} grams sugar. How heavy is each?",
        "How many grams has a bun if flour ({c} grams), sugar ({a} grams) and butter ({b} grams) are made into {d} of them?",
        "(a+b+c)//d", a=(110, 250), b=(120, 280), c=(500, 900), d=(6, 15),
    ),
    _schema(
        "{n} walks {a} dogs every morning and {b} every evening, for ${c} per dog. How much does {n} earn in {d} days?",
        "Dog walking pays ${c} per animal. {n} takes out {a} of them in the morning and {b} at night. What do {d} days bring in?",
        "At ${c} for each dog, and {b} dogs in the evening besides {a} in the morning, what is earned by {n} over {d} days?",
        "(a+b)*c*d", a=(3, 9), b=(4, 11), c=(5, 12), d=(6, 20),
    ),
    _schema(
        "A movie lasts {a} minutes. The cinema shows it {b} times a day with a break of {c} minutes after each show. How long is that?",
        "After every showing of a {a}-minute movie there are {c} minutes of pause. With {b} showings daily, what is the total time?",
        "{b} times per day a film of {a} minutes is screened, each time followed by a {c}-minute break. How long does this take overall?",
        "b*(a+c)", a=(85, 150), b=(3, 7), c=(11, 30),
    ),
    _schema(
        "{n} has ${a} and {m} has ${b}. They want to buy a game for ${c}. How much money do they still need?",
        "The price of a game is ${c}. Put together, the ${a} of {n} and the ${b} of {m} are not enough. What is lacking?",
        "How many more dollars must {n} and {m} find for a ${c} game when their pockets hold ${a} and ${b}?",
        "c-a-b", a=(12, 40), b=(14, 45), c=(95, 190),
    ),
]  # fmt: skip
