import { createClient } from "graphql-sse";

interface Progress {
  complete: {
    rowsDone: number;
    rowsTotal: number;
    samples: { dataUri: string }[];
    completion: { input: { dataUri: string }; samples: { image: { dataUri: string } }[] } | null;
  };
}

const WATCH = `subscription ($image: ImageInput!, $samples: Int!, $seed: Int!, $temperature: Float!, $model: ID) {
  complete(image: $image, samples: $samples, options: { model: $model, seed: $seed, temperature: $temperature }) {
    rowsDone rowsTotal
    samples { dataUri }
    completion { input { dataUri } samples { image { dataUri } } }
  }
}`;

export interface WatchedCompletion {
  /** The picture as the model sees it, a PNG as `data:` URI. */
  input: string;
  /** After 0, 1, 2, ... generated rows: each sample so far, a PNG as `data:` URI; pixels not yet made are transparent. */
  states: string[][];
}

export interface WatchVariables {
  image: { base64: string };
  samples: number;
  seed: number;
  temperature: number;
  /** Default: the default model. */
  model?: string | undefined;
}

/** Lets the Worker complete the lower half of a picture and keeps what its event stream shows. @throws Error with the server's own message. */
export async function watchCompletion(endpoint: string, variables: WatchVariables): Promise<WatchedCompletion> {
  const client = createClient({ url: endpoint, singleConnection: false, retryAttempts: 0 });
  const states: string[][] = [];
  for await (const { data, errors } of client.iterate<Progress>({ query: WATCH, variables: { ...variables } })) {
    if (errors?.[0] || !data) throw errors?.[0] ?? new Error("an event without data");
    const { rowsDone, samples, completion } = data.complete;
    if (completion) {
      states[rowsDone] = completion.samples.map(({ image }) => image.dataUri);
      return { input: completion.input.dataUri, states };
    }
    states[rowsDone] = samples.map(({ dataUri }) => dataUri);
  }
  throw new Error("The stream ended before the completion did.");
}
