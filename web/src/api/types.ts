/** What the documents return. */

export interface ModelFacts {
  id: string;
  version: string;
  parameters: number;
  layers: number;
  width: number;
  heads: number;
  /** Pixels a side of its pictures. */
  resolution: number;
  colors: number;
  edgeSamples: number;
  edgeCandidates: number;
  testNllPerPixel: number | null;
  recommended: { temperature: number; topP: number } | null;
}

export interface CompleteOptions {
  model?: string;
  keepRows?: number;
  keep?: boolean[];
  temperature?: number;
  topK?: number;
  topP?: number;
  seed?: number;
  candidates?: number;
}

/** Variables of COMPLETE_LIVE, COMPLETE and SUBMIT. */
export interface CompleteVariables extends Record<string, unknown> {
  image: { base64: string };
  samples: number;
  options: CompleteOptions;
}

export type Status = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";

export interface FinishedSample {
  index: number;
  nllPerPixel: number;
  image: { dataUri: string };
}

export interface CompleteEvent {
  complete: {
    status: Status;
    rowsDone: number;
    rowsTotal: number;
    samples: { index: number; dataUri: string }[];
    completion: {
      seed: number;
      keepRows: number;
      ranOn: string | null;
      engine: string | null;
      input: { id: string; dataUri: string };
      samples: FinishedSample[];
    } | null;
  };
}

export interface Likelihood {
  nllPerPixel: number;
  bitsPerPixel: number;
  perPixel: number[];
}

export interface UserError {
  code: string;
  message: string;
  path: string[] | null;
}

export interface Submitted {
  submitCompletion: { completion: { id: string; status: Status; seed: number } | null; userErrors: UserError[] };
}

export interface Job {
  id: string;
  status: Status;
  seed: number;
  ranOn: string | null;
  engine: string | null;
  error: { code: string; message: string } | null;
  samples: FinishedSample[];
}

export interface JobProgressEvent {
  completionProgress: {
    status: Status;
    rowsDone: number;
    rowsTotal: number;
    retrying: { message: string } | null;
  };
}

export interface Viewer {
  key: { name: string; prefix: string; kind: string; scopes: string[]; expiresAt: string | null } | null;
  usage: {
    pixelsThisMonth: number;
    pixelsPerMonth: number | null;
    requestsThisMinute: number;
    requestsPerMinute: number | null;
  };
  usageByDay: { day: string; requests: number; pixels: number }[];
}
