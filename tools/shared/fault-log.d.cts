/** Name of the file in the data folder. */
export const FAULT_LOG: string;
/** Writes a fault down: `trainer`, `job of trainer`, `trainer→s3 cut`, `healed`. */
export function noteFault(dataDir: string, target: string, details?: object): void;
