/** Data sets: upload, read, list, download, lineage, delete. How a task made one is in `log-routes`. */
import type { Request, Response } from 'express';
import type { Caller } from '../../domain/access';
import { notFound } from '../../domain/errors';
import { mayActFor } from '../../policies/access';
import type { DatasetRow } from '../../repositories/datasets';
import type { Page } from '../../repositories/scope';
import type { DatasetService } from '../../services/datasets/dataset-service';
import type { ContentFacts } from '../../services/datasets/content-meter';
import type { UploadFields, UploadService } from '../../services/datasets/upload-service';
import { fingerprintOf, orderedJson, type IdempotencyService, type KeepAnswer } from '../../services/idempotency';
import { idempotencyKey, type Api } from '../api';
import type { Reply } from '../operation';
import { cursorText, issueWording, pageOf } from '../validation';
import { receiveForm } from './multipart';
import { datasetLogRoutes } from './log-routes';
import { presentDataset, presentLineage } from './presenter';
import {
  datasetListQuery,
  datasetParams,
  datasetSchema,
  lineageSchema,
  ownerParams,
  uploadFieldNames,
  uploadFields,
  uploadForm,
} from './schemas';
import { sendObject } from '../send-object';

export interface DatasetRouteDeps {
  datasets: DatasetService;
  uploads: UploadService;
  idempotency: IdempotencyService;
  maxUploadBytes: number;
}

/** Adds `/api/datasets`: upload for writers, reading for everyone within what is theirs. */
export function datasetRoutes(api: Api, deps: DatasetRouteDeps): void {
  const { datasets } = deps;
  const one = { tag: 'datasets', access: 'reader', params: datasetParams } as const;

  api.add(
    {
      operationId: 'uploadDataset',
      method: 'post',
      path: '/api/datasets/upload',
      tag: 'datasets',
      summary: 'Upload a file; it is stored as it is',
      access: 'writer',
      multipart: uploadForm,
      idempotent: true,
      responses: {
        201: { description: 'The data set', schema: datasetSchema },
        413: { description: 'The file is too large' },
      },
    },
    ({ caller, req, res }) => upload(deps, caller, req, res),
  );
  api.add(
    {
      operationId: 'listDatasets',
      method: 'get',
      path: '/api/datasets',
      tag: 'datasets',
      summary: 'Your data sets, newest first',
      access: 'reader',
      query: datasetListQuery,
      responses: { 200: { description: 'A page', schema: pageOf(datasetSchema) } },
    },
    async ({ caller, query: { limit, cursor, ...filter } }) =>
      page(await datasets.list(caller.userId, filter, limit, cursor ?? null)),
  );
  api.add(
    {
      operationId: 'listDatasetsOfUser',
      method: 'get',
      path: '/api/datasets/user/{userId}',
      tag: 'datasets',
      summary: 'The data sets of one user, newest first',
      access: 'reader',
      params: ownerParams,
      query: datasetListQuery,
      responses: { 200: { description: 'A page', schema: pageOf(datasetSchema) } },
    },
    async ({ caller, params, query: { limit, cursor, ...filter } }) => {
      const userId = /^[1-9]\d{0,8}$/.test(params.userId) ? Number(params.userId) : null;
      if (userId === null || !mayActFor(caller, userId)) throw notFound('user');
      return page(await datasets.list(userId, filter, limit, cursor ?? null));
    },
  );
  api.add(
    {
      ...one,
      operationId: 'getDataset',
      method: 'get',
      path: '/api/datasets/{datasetId}',
      summary: 'One data set',
      responses: { 200: { description: 'The data set', schema: datasetSchema } },
    },
    async ({ caller, params }) => ({ status: 200, body: presentDataset(await datasets.get(caller, params.datasetId)) }),
  );
  api.add(
    {
      ...one,
      operationId: 'downloadDataset',
      method: 'get',
      path: '/api/datasets/{datasetId}/download',
      summary: 'The bytes as they were uploaded',
      responses: {
        200: { description: 'The file', contentType: 'application/octet-stream' },
        410: { description: 'Retention removed the bytes' },
      },
    },
    ({ caller, params, res }) => download(datasets, caller, params.datasetId, res),
  );
  api.add(
    {
      ...one,
      operationId: 'getDatasetLineage',
      method: 'get',
      path: '/api/datasets/{datasetId}/lineage',
      summary: 'What it was made from, what was made from it, and who uses it',
      responses: { 200: { description: 'The lineage', schema: lineageSchema } },
    },
    async ({ caller, params }) => ({
      status: 200,
      body: presentLineage(await datasets.lineage(caller, params.datasetId)),
    }),
  );
  api.add(
    {
      ...one,
      operationId: 'deleteDataset',
      method: 'delete',
      path: '/api/datasets/{datasetId}',
      summary: 'Delete a data set that no live task uses',
      access: 'writer',
      responses: { 204: { description: 'Deleted' }, 409: { description: 'A live task uses it' } },
    },
    async ({ caller, params }) => {
      await datasets.remove(caller, params.datasetId);
      return { status: 204 };
    },
  );
  datasetLogRoutes(api, datasets);
}

function page({ rows, nextCursor }: Page<DatasetRow>): Reply {
  return { status: 200, body: { items: rows.map(presentDataset), nextCursor: cursorText(nextCursor) } };
}

async function upload(deps: DatasetRouteDeps, caller: Caller, req: Request, res: Response): Promise<Reply> {
  const key = idempotencyKey(req);
  const release = await deps.uploads.takeTurn();
  try {
    if (key === null) return await store(deps, caller, req);
    const { replayed, ...answer } = await deps.idempotency.answer({
      userId: caller.userId,
      key,
      carryOut: (keep) => store(deps, caller, req, keep),
      fingerprintOfRepeat: () => fingerprintOfRepeat(deps, req),
    });
    if (replayed) res.set('Idempotency-Replayed', 'true');
    return answer;
  } finally {
    release();
  }
}

function store({ uploads, maxUploadBytes }: DatasetRouteDeps, caller: Caller, req: Request, keep?: KeepAnswer) {
  return receiveForm(req, {
    maxFileBytes: maxUploadBytes,
    fieldNames: uploadFieldNames,
    open: (file, fields) => uploads.begin(caller, Number(fields.userId) || null, file),
    finish: async (stored, raw) => {
      const fields = uploadFields.parse(raw, { error: issueWording });
      const facts = stored.facts(fields);
      const answer = (dataset: DatasetRow) => ({ status: 201, body: presentDataset(dataset) });
      const fingerprint = uploadFingerprint(fields, facts);
      return answer(
        await uploads.register(caller, stored, fields, facts, async (tx, dataset) =>
          keep?.(tx, fingerprint, answer(dataset)),
        ),
      );
    },
  });
}

function fingerprintOfRepeat({ uploads, maxUploadBytes }: DatasetRouteDeps, req: Request): Promise<string> {
  return receiveForm(req, {
    maxFileBytes: maxUploadBytes,
    fieldNames: uploadFieldNames,
    open: (file) => uploads.measure(file),
    finish: (file, raw) => {
      const fields = uploadFields.parse(raw, { error: issueWording });
      return Promise.resolve(uploadFingerprint(fields, file.facts(fields)));
    },
  });
}

function uploadFingerprint(fields: UploadFields, facts: ContentFacts): string {
  return fingerprintOf('uploadDataset', orderedJson(fields), facts.sha256);
}

/** Streams the object as an attachment: a browser never shows a user's bytes as a page of ours. */
async function download(datasets: DatasetService, caller: Caller, datasetId: string, res: Response): Promise<Reply> {
  const { dataset, object } = await datasets.open(caller, datasetId);
  res.attachment(
    dataset.fileName?.replace(/[/\\\p{C}]/gu, '_') ?? `${dataset.datasetId}${dataset.isOptimized ? '.parquet' : ''}`,
  );
  res.type('application/octet-stream');
  return sendObject(res, object);
}
