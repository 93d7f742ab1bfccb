/**
 * STANDARD on BANKING77, a public set of 13,083 banking questions in 77 classes (Casanueva et al., 2020; CC BY 4.0). This repository does
 * not carry it: where train.csv and test.csv of PolyAI-LDN/task-specific-datasets (banking_data) do not lie in the folder below, there is
 * nothing to run on.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { newUser } from './support/client';

const FOLDER = path.resolve(__dirname, '../../../shared/data/banking77');

const onBanking77 = existsSync(FOLDER) ? test : test.skip;

onBanking77(
  'a public intent data set reaches 0.89 on its own test file within three minutes, its 25 leaks found',
  async () => {
    const owner = await newUser();
    const train = await owner.uploadFile(path.join(FOLDER, 'train.csv'), {
      datasetType: 'training',
      domain: 'banking',
    });
    const test = await owner.uploadFile(path.join(FOLDER, 'test.csv'), { datasetType: 'test', domain: 'banking' });
    expect([train.sampleCount, test.sampleCount]).toEqual([10_003, 3_080]);

    const began = Date.now();
    const { taskId } = await owner.startTask('standard', {
      modelName: 'builtin:classifier',
      datasetId: train.datasetId,
      testDatasetId: test.datasetId,
    });
    await owner.completed(taskId, 300);
    const seconds = (Date.now() - began) / 1000;

    const { body: report } = await owner.get(`/api/tasks/${taskId}/report`);
    expect(report.test.samples).toBe(3_080);
    expect(report.test.score).toBeGreaterThanOrEqual(0.89);
    expect(report.iterations[0].leakage.exactOverlaps).toBe(25);
    expect(seconds).toBeLessThanOrEqual(180);
  },
  360_000,
);
