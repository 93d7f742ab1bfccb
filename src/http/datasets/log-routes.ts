/** How a data set that a task made came to be: the optimizer's log, the rows it set aside, the labels it doubts. */
import type { DatasetService } from '../../services/datasets/dataset-service';
import type { Api } from '../api';
import { PAGE_CSP } from '../page-policy';
import { datasetLogSchema, datasetParams } from './schemas';
import { sendObject } from '../send-object';

const LINES = 'application/x-ndjson';

/** Adds what can be read below `/api/datasets/{datasetId}` of the optimization that made it. */
export function datasetLogRoutes(api: Api, datasets: DatasetService): void {
  const one = { method: 'get', tag: 'datasets', access: 'reader', params: datasetParams } as const;

  api.add(
    {
      ...one,
      operationId: 'getDatasetLog',
      path: '/api/datasets/{datasetId}/log',
      summary: 'How a task made it, step by step; one page for Accept: text/html',
      responses: { 200: { description: 'The log; text/html where asked for', schema: datasetLogSchema } },
    },
    async ({ caller, params, req, res }) => {
      const asPage = req.accepts(['json', 'html']) === 'html';
      const object = await datasets.openRecord(caller, params.datasetId, asPage ? 'log.html' : 'log.json');
      res
        .type(asPage ? 'html' : 'json')
        .vary('Accept')
        .set('Cache-Control', 'private, no-store');
      if (asPage) res.set('Content-Security-Policy', PAGE_CSP);
      return sendObject(res, object);
    },
  );
  for (const [operationId, name, summary] of [
    [
      'getDatasetQuarantine',
      'quarantine',
      'Rows that were set aside, with file, line and reason; one JSON object a line',
    ],
    ['getDatasetLabelIssues', 'label-issues', 'Training rows whose label is doubted; one JSON object a line'],
  ] as const) {
    api.add(
      {
        ...one,
        operationId,
        path: `/api/datasets/{datasetId}/${name}`,
        summary,
        responses: {
          200: { description: 'The rows', contentType: LINES },
          410: { description: 'Retention removed them' },
        },
      },
      async ({ caller, params, res }) => {
        const object = await datasets.openRecord(caller, params.datasetId, `${name}.jsonl`);
        res.attachment(`${params.datasetId}-${name}.jsonl`).type(LINES);
        return sendObject(res, object);
      },
    );
  }
}
