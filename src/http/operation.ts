/**
 * A route as data: who may call it, what it takes, what it answers. The same description mounts it, checks its input, and becomes
 * its OpenAPI entry, so the three cannot drift apart.
 */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { DbOrTransaction } from '../db';
import type { Caller } from '../domain/access';
import type { Access } from '../policies/access';

export interface ResponseSpec {
  description: string;
  /** Of the JSON body; absent for other bodies. */
  schema?: z.ZodType;
  /** Media type of a body that is not JSON. */
  contentType?: string;
}

export type RateLimit = 'login' | 'register' | 'refresh';

export interface Operation<A extends Access = Access, Params = unknown, Query = unknown, Body = unknown> {
  operationId: string;
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With `{parameters}`, as in OpenAPI. */
  path: string;
  tag: 'auth' | 'users' | 'datasets' | 'tasks' | 'admin' | 'health';
  summary: string;
  access: A;
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** The body may be left out. */
  bodyOptional?: boolean;
  /** Described only; the handler reads the body itself. */
  multipart?: z.ZodType;
  /** Takes an Idempotency-Key. */
  idempotent?: boolean;
  rateLimit?: RateLimit;
  /** By status; the error answers that every route shares are added. */
  responses: Record<number, ResponseSpec>;
}

/** Keeps an answer with the Idempotency-Key of the request; does nothing when there is none. */
export type Keep = (tx: DbOrTransaction, reply: { status: number; body?: unknown }) => Promise<void>;

export interface Context<A extends Access, Params, Query, Body> {
  caller: A extends 'public' ? null : Caller;
  params: Params;
  query: Query;
  body: Body;
  /** Of an idempotent operation: to be called with the answer in the transaction that creates. */
  keep: Keep;
  req: Request;
  res: Response;
}

/** A JSON answer; undefined when the handler wrote to the response itself. */
export type Reply = { status: number; body?: unknown } | undefined;

export type Handler<A extends Access, Params, Query, Body> = (
  context: Context<A, Params, Query, Body>,
) => Promise<Reply>;
