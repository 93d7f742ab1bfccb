/** What a file of fault tests begins and ends with: a user with data, connections that are whole again, and the oracle. */
import { heal } from './faults';
import { invariantsHold, LONG, Person, resultOf } from './world';

/** The user whose tasks the file's tests start. */
export let person: Person;
/** The result of LONG without faults, where the file asked for it. */
export let reference: string[];

/** To be called once, before the tests of a file. `withReference` costs one LONG task. */
export function faultTests({ withReference = false } = {}): void {
  beforeAll(async () => {
    person = await Person.create();
    if (!withReference) return;
    const taskId = await person.start(LONG);
    await person.completed(taskId);
    reference = await resultOf(taskId);
    expect(reference).toHaveLength(2);
  }, 180_000);
  afterEach(heal);
  afterAll(invariantsHold, 300_000);
}
