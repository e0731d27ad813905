/** What publishing needs of a bucket. */
export interface Bucket {
  /** The object's bytes; null if there is none. */
  get(key: string): Promise<Buffer | null>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
