import type { Admission } from "../admission/admission.ts";
import type { AddressResolver } from "../net/resolver.ts";
import type { Turns } from "../scheduling/turns.ts";

/** A square picture of a model's size. */
export interface Picture {
  /** Pixels a side: the model's `resolution`. */
  readonly side: number;
  /** RGB, 8 bits a channel, row-major, [side * side * 3]. */
  readonly rgb: Uint8Array;
}

/** A palette: [colours * 3] RGB bytes, in the order of the colours' indices. */
export type Palette = Uint8Array;

/** The GraphQL input of the same name. Exactly one is to be set; that is checked where it is read. */
export interface ImageInput {
  base64?: string | null | undefined;
  file?: Blob | Promise<Blob> | null | undefined;
  url?: string | URL | null | undefined;
  id?: string | null | undefined;
}

export type ImageFormat = "png" | "webp" | "jpg";

/** nearest: crisp pixels. smooth: bicubic. */
export type Filter = "nearest" | "smooth";

export interface ImageLimits {
  /** Of the encoded picture. */
  maxBytes: number;
  /** For everything that a `url` needs: names, redirects, body. */
  fetchTimeoutMs: number;
  maxRedirects: number;
}

/** Where stored pictures are. */
export interface StoreContext {
  bucket: R2Bucket;
  /** Set when pictures are to be private: whose they are. Pictures of other owners are then, as without it, not found. */
  owner?: PictureOwner | undefined;
}

/** The key that private pictures belong to. */
export interface PictureOwner {
  id: string;
  /** Ids and URLs are made with it. */
  secret: string;
}

/** What reading a picture needs, given explicitly. */
export interface ImageContext extends StoreContext {
  admission: Admission;
  /** Decoding takes turns with the model. */
  turns: Turns;
  fetch: typeof fetch;
  /** Who says which addresses a name has, before it is fetched. */
  resolver: AddressResolver;
  /** Development only: lets `url` be http and loopback. */
  allowLoopback?: boolean;
  signal?: AbortSignal | undefined;
  limits?: Partial<ImageLimits>;
}
