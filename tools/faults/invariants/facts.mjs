// @ts-check
// What the invariants are judged by: plain data, gathered once (gather.mjs) from everything that knows something.

/**
 * One request of a client and what it was answered, a line of the client's log.
 * @typedef {object} ClientEntry
 * @property {number} at when it was sent, milliseconds since 1970
 * @property {number} ms until the answer or the failure
 * @property {number | null} user who sent it
 * @property {string} method
 * @property {string} route
 * @property {string} [key] its Idempotency-Key
 * @property {any} [body] what was sent, where it is JSON and no secret
 * @property {number | null} status null when there was no answer
 * @property {any} [reply]
 * @property {string} [error] why there was no answer
 *
 * A word that stands in everything that a user sent and in nothing else, also a line of the client's log.
 * @typedef {{ user: number, marker: string }} Marker
 *
 * @typedef {object} TaskFact
 * @property {string} taskId
 * @property {number} userId
 * @property {string} mode
 * @property {string} status
 * @property {string} controlState
 * @property {number} seq
 * @property {number} currentIteration
 * @property {Date | null} startRequestedAt
 * @property {string | null} failureCode
 * @property {string | null} failureMessage
 * @property {boolean} failureIsRetryable
 * @property {Record<string, unknown>} settings its hyperparameters and stop conditions, as they are now
 * @property {string} fingerprint of all that decides the result: data, model, settings, seed
 *
 * @typedef {object} EventFact
 * @property {string} taskId
 * @property {number} id
 * @property {number} seq
 * @property {string} type
 * @property {{ status: string, from?: string, at?: string }} payload `at`: when the workflow came there, ISO 8601
 * @property {Date} createdAt
 *
 * @typedef {object} ExecutionFact
 * @property {string} taskId
 * @property {number} iteration
 * @property {string} phase
 * @property {number} segment
 * @property {string} status
 * @property {number} seq
 * @property {number | null} score
 * @property {string | null} weightsSha256 of a training
 * @property {string[]} keys of the objects that its result names
 *
 * @typedef {object} DatasetFact
 * @property {string} datasetId
 * @property {number} userId
 * @property {string} storagePath
 * @property {number} fileSize bytes
 * @property {string} sha256
 * @property {boolean} isOptimized
 * @property {boolean} isDeleted
 * @property {Date | null} collectedAt when retention took its bytes
 *
 * @typedef {object} JobFact a row of a service's job store
 * @property {string} service
 * @property {string} jobId
 * @property {string} taskId
 * @property {number} iteration
 * @property {string} phase
 * @property {number} segment
 * @property {string} state
 * @property {number} attempt times started
 * @property {number} createdAt milliseconds
 * @property {number | null} startedAt for the first time
 * @property {number | null} finishedAt
 *
 * A line of the fault log. `target`: a process, `job of <service>`, `<process> <limit>`, `<from>→<to> <what>`, or `healed`.
 * @typedef {{ at: number, target: string, job?: string, by?: string }} FaultFact `job`: the id of the job, where it is known; `by`: the signal,
 *   `SIGKILL` where it is not said, or `stop` of the whole stack
 *
 * @typedef {object} Facts
 * @property {number} now milliseconds
 * @property {boolean} hasClientLog without one, requests and markers are empty and say nothing
 * @property {ClientEntry[]} requests
 * @property {Marker[]} markers
 * @property {string[]} emails of registered users
 * @property {TaskFact[]} tasks
 * @property {EventFact[]} events by id
 * @property {ExecutionFact[]} executions
 * @property {{ taskId: string, kind: string, at: number, facts: any }[]} decisions by id
 * @property {DatasetFact[]} datasets
 * @property {Map<string, { size: number, modifiedAt: number }>} objects
 * @property {Map<string, string>} hashes sha256 of the uploads' bytes as they lie in the store
 * @property {{ key: string, startedAt: number }[]} openUploads multipart uploads that nobody has ended
 * @property {import('./retention-bounds.mjs').RetentionBounds} bounds how old what belongs to nothing may become
 * @property {JobFact[]} jobs
 * @property {{ pid: number, service: string, folder: string }[]} processes that work for jobs
 * @property {{ workflowId: string, runId: string, events: number, bytes: number }[]} runs of workflows
 * @property {FaultFact[]} faults that were made, in order
 *
 * @typedef {(facts: Facts) => string[]} Check answers with one line for each violation, with the evidence
 */

/** The folder of a key, with its slash. @param {string} key */
export const folderOf = (key) => key.slice(0, key.lastIndexOf('/') + 1);

/** @param {ClientEntry} entry */
export const succeeded = ({ status }) => status !== null && status >= 200 && status < 300;
