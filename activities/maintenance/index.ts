/** The activities of the maintenance workflows, over what they need. Workflows import the type alone. */
import type { SweepReport } from '../../src/contracts/maintenance';

export interface MaintenanceDependencies {
  /** Starts what is in doubt and answers with the ids. */
  sweepStarts: () => Promise<string[]>;
}

/** Builds the activities. They keep no state between calls. */
export function createMaintenanceActivities({ sweepStarts }: MaintenanceDependencies) {
  return {
    sweepStartsInDoubt: async (): Promise<SweepReport> => ({ started: (await sweepStarts()).length }),
  };
}

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;
