/**
 * Reads a multipart form with one file, part by part: fields into memory, the file into a sink, in whatever order they come. Any
 * fault, the client's leaving included, discards the sink before it is reported. Not covered: several files, nested forms.
 */
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import type { Request } from 'express';
import { AppError, invalidField } from '../../domain/errors';

const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 64 * 1024;
const DRAIN_MS = 1_000;

export interface FilePart {
  stream: Readable;
  fileName: string | null;
  contentType: string;
}

export interface FileSink {
  readonly done: Promise<void>;
  /** Ends the sink and takes away what it has stored. Never rejects: the fault that led here is the one to report. */
  discard(reason: Error): Promise<void>;
}

export interface FormOptions<Sink extends FileSink, Result> {
  maxFileBytes: number;
  fieldNames: readonly string[];
  /** Called when the file part begins, with the fields that came before it. */
  open(file: FilePart, fields: Record<string, string>): Sink;
  /** Called when all is stored; the file is discarded when it fails. */
  finish(sink: Sink, fields: Record<string, string>): Promise<Result>;
}

/** Reads the form of `req`; resolves with what `finish` answers. */
export async function receiveForm<Sink extends FileSink, Result>(
  req: Request,
  options: FormOptions<Sink, Result>,
): Promise<Result> {
  // A form is a little larger than its file; far beyond the limit there is no need to read it.
  if (Number(req.headers['content-length'] ?? 0) > options.maxFileBytes + (MAX_FIELDS + 5) * MAX_FIELD_BYTES) {
    await drain(req);
    throw tooLarge(options.maxFileBytes);
  }
  // Whoever left while this call waited for its turn sends no event any more.
  if (req.destroyed) throw endedEarly();
  const parser = startParser(req, options.maxFileBytes);
  const fields: Record<string, string> = {};
  const state: { sink?: Sink } = {};
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on('field', (name, value, info) => {
        if (!options.fieldNames.includes(name)) reject(unknownField(name));
        else if (name in fields) reject(invalidField(name, 'is given twice'));
        else if (info.valueTruncated) reject(invalidField(name, `is longer than ${MAX_FIELD_BYTES} bytes`));
        else fields[name] = value;
      });
      parser.on('file', (name, stream, info) => {
        stream.on('error', (error) => reject(malformed(error))); // The form broke off in the middle of the file.
        stream.once('limit', () => reject(tooLarge(options.maxFileBytes)));
        if (name !== 'file') {
          stream.resume();
          reject(unknownField(name));
          return;
        }
        try {
          const contentType = info.mimeType || 'application/octet-stream';
          state.sink = options.open({ stream, fileName: info.filename || null, contentType }, { ...fields });
          state.sink.done.catch(reject);
        } catch (error) {
          reject(asError(error));
        }
      });
      parser.once('filesLimit', () => reject(invalidField('file', 'only one can be sent')));
      parser.once('fieldsLimit', () => reject(new AppError('VALIDATION_FAILED', `more than ${MAX_FIELDS} fields`)));
      parser.once('partsLimit', () => reject(new AppError('VALIDATION_FAILED', 'the form has too many parts')));
      // Not `once`: it may find more than one fault, and one that nobody hears would end the process.
      parser.on('error', (error) => reject(malformed(asError(error))));
      parser.once('close', resolve);
      req.once('close', () => {
        if (!req.readableEnded) reject(endedEarly());
      });
      req.pipe(parser);
    });
    const { sink } = state;
    if (!sink) throw invalidField('file', 'is missing; send it as a file part named "file"');
    req.setTimeout(0); // All is here: from now on the client's silence is no fault.
    await sink.done;
    return await options.finish(sink, fields);
  } catch (thrown) {
    const error = asError(thrown);
    req.unpipe(parser);
    await state.sink?.discard(error);
    await drain(req);
    throw error;
  }
}

function startParser(req: Request, maxFileBytes: number): busboy.Busboy {
  try {
    return busboy({
      headers: req.headers,
      defParamCharset: 'utf8',
      limits: {
        files: 1,
        // One more than allowed, so that a file of exactly the limit passes.
        fileSize: maxFileBytes + 1,
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        fieldNameSize: 100,
        parts: MAX_FIELDS + 5,
      },
    });
  } catch (error) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'send the file as multipart/form-data with a boundary', {
      cause: error,
    });
  }
}

function tooLarge(maxFileBytes: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `file: is larger than ${maxFileBytes} bytes`, { details: { maxFileBytes } });
}

function endedEarly(): AppError {
  return new AppError('MALFORMED_REQUEST', 'the upload ended early');
}

function malformed(error: Error): AppError {
  return new AppError('MALFORMED_REQUEST', 'the multipart form cannot be read', {
    detail: error.message,
    cause: error,
  });
}

/** A part may come without a name, whatever the parser's types say. */
function unknownField(name: string | undefined): AppError {
  if (!name) return new AppError('VALIDATION_FAILED', 'a part of the form has no name');
  if (name === 'file') return invalidField(name, 'must be sent as a file, with a file name');
  return invalidField(name.slice(0, 100), 'is not a known field');
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Reads on for a moment, since many clients look at the answer only when they have sent everything. */
async function drain(req: Request): Promise<void> {
  if (req.complete || req.destroyed) return;
  req.resume();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS);
    const settle = (): void => {
      clearTimeout(timer);
      resolve();
    };
    req.once('end', settle).once('close', settle).once('error', settle);
  });
}
