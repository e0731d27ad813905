import type { CompletionStatus, Execution, JobError } from "../../build/graphql-types.ts";
import type { Caller, KeyRecord } from "../access/index.ts";
import type { Palette, Picture } from "../image/index.ts";
import type { Model } from "../model/types.ts";

/** What the resolvers of a type are given: plain values, nothing computed before it is asked for. */

export type ModelParent = Model;
export type ApiKeyParent = KeyRecord;
export type ViewerParent = Caller;

/** A picture in a palette's colours. */
export interface ImageParent {
  picture: Picture;
  /** [side * side] palette indices. */
  tokens: Int32Array;
}

export interface SampleParent {
  index: number;
  image: ImageParent;
  nllPerPixel: number;
}

/** At hand, or fetched when it is asked for. */
export type Lazy<T> = T | (() => Promise<T>);

export interface CompletionParent {
  id: string;
  status: CompletionStatus;
  model: Lazy<Model>;
  seed: number;
  keepRows: number;
  ranOn: Execution | null;
  engine: string | null;
  input: Lazy<ImageParent>;
  samples: Lazy<SampleParent[]>;
  error: JobError | null;
  retrying: JobError | null;
  createdAt: string;
  finishedAt: string | null;
}

export interface SampleProgressParent {
  index: number;
  /** [side * side] palette indices; -1 = not yet. */
  tokens: Int32Array;
  palette: Palette;
}

export interface ProgressParent {
  id: string;
  status: CompletionStatus;
  rowsDone: number;
  rowsTotal: number;
  retrying: JobError | null;
  samples: SampleProgressParent[];
  completion: CompletionParent | null;
}
