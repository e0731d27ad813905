/** What a job keeps in R2: its input, and the samples of each chunk. docs/storage-schema.md lists the keys. */
import type { CompletedSample, CompletionSpec } from "../model/types.ts";
import type { Maker } from "./record.ts";

export interface JobInput {
  spec: CompletionSpec;
  /** [pixels] palette indices. */
  tokens: number[];
}

export interface ChunkSamples {
  made: Maker;
  samples: CompletedSample[];
}

/** In JSON. */
type StoredChunk = Omit<ChunkSamples, "samples"> & {
  samples: (Omit<CompletedSample, "tokens"> & { tokens: number[] })[];
};

const PREFIX = "jobs";

/** By its payload as well: a conflicting submission under the same id must not replace it. */
const inputKey = (id: string, payload: string) => `${PREFIX}/${id}/input-${payload}.json`;
const chunkKey = (id: string, index: number) => `${PREFIX}/${id}/chunk-${index}.json`;

export class JobObjects {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async putInput(id: string, payload: string, input: JobInput): Promise<void> {
    await this.#bucket.put(inputKey(id, payload), JSON.stringify(input));
  }

  async input(id: string, payload: string): Promise<JobInput> {
    return this.#read<JobInput>(inputKey(id, payload));
  }

  async deleteInput(id: string, payload: string): Promise<void> {
    await this.#bucket.delete(inputKey(id, payload));
  }

  async putChunk(id: string, index: number, { made, samples }: ChunkSamples): Promise<void> {
    const plain = samples.map((sample) => ({ ...sample, tokens: Array.from(sample.tokens) }));
    await this.#bucket.put(chunkKey(id, index), JSON.stringify({ made, samples: plain }));
  }

  async chunk(id: string, index: number): Promise<ChunkSamples> {
    return asChunk(await this.#read<StoredChunk>(chunkKey(id, index)));
  }

  /** Null if it was never stored. */
  async findChunk(id: string, index: number): Promise<ChunkSamples | null> {
    const object = await this.#bucket.get(chunkKey(id, index));
    return object && asChunk(await object.json<StoredChunk>());
  }

  /** All that a job has here. */
  async deleteAll(id: string): Promise<void> {
    for (;;) {
      const { objects, truncated } = await this.#bucket.list({ prefix: `${PREFIX}/${id}/` });
      if (objects.length > 0) await this.#bucket.delete(objects.map(({ key }) => key));
      if (!truncated) return;
    }
  }

  async #read<T>(key: string): Promise<T> {
    const object = await this.#bucket.get(key);
    if (!object) throw new Error(`${key} is missing from the bucket`);
    return object.json<T>();
  }
}

function asChunk({ made, samples }: StoredChunk): ChunkSamples {
  return { made, samples: samples.map((sample) => ({ ...sample, tokens: Int32Array.from(sample.tokens) })) };
}
