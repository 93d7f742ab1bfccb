/**
 * Changes of what the workflows command, by the names their markers have in histories. One without the marker was recorded before the
 * change and is replayed as it was then. A new one needs histories that have it: see `histories/record.ts`.
 */
export const PATCHES = {
  /** A pause interrupts the running job; before, it waited for the end of the phase. */
  interruptingPause: 'interrupting-pause',
  /** A cancel waits no longer than a moment for the service to stop the job. */
  patientCancel: 'patient-cancel',
  /** A pause does not wait for the end of a back-off. */
  pauseEndsBackOff: 'pause-ends-back-off',
  /** A pause that came while a run left is heard by the final test that the next one begins with. */
  finalTestHearsPause: 'final-test-hears-pause',
  /** A suspended task waits in a run of its own, of which its resume has little to replay. */
  waitsInOwnRun: 'waits-in-own-run',
  /** A write is commanded after all else of the same moment; before, where it stood depended on when the write before it had ended. */
  writesFollowAnswers: 'writes-follow-answers',
} as const;
