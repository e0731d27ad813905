/** Every GraphQL document of the page. A test validates them against the schema. */

export const MODELS = `query Models {
  models { id version parameters layers width heads resolution colors edgeSamples edgeCandidates testNllPerPixel recommended { temperature topP } }
  model { id }
}`;

export const COMPLETE_LIVE = `subscription Complete($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) {
    status rowsDone rowsTotal
    samples { index dataUri }
    completion {
      seed keepRows ranOn engine
      input { id dataUri }
      samples { index nllPerPixel image { dataUri } }
    }
  }
}`;

/** The same request for a client that waits. */
export const COMPLETE = `query Complete($image: ImageInput!, $samples: Int!, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) {
    seed keepRows ranOn engine
    input { id }
    samples { index nllPerPixel image { url(width: 256) } }
  }
}`;

export const LIKELIHOOD = `query Likelihood($image: ImageInput!, $model: ID) {
  likelihood(image: $image, model: $model) { nllPerPixel bitsPerPixel perPixel }
}`;

export const EMBED_MANY = `query EmbedMany($images: [ImageInput!]!, $model: ID) {
  embedMany(images: $images, model: $model) { layer vector }
}`;

export const SUBMIT = `mutation Submit($image: ImageInput!, $samples: Int!, $options: CompleteOptions, $idempotencyKey: String) {
  submitCompletion(image: $image, samples: $samples, options: $options, idempotencyKey: $idempotencyKey) {
    completion { id status seed }
    userErrors { code message path }
  }
}`;

export const JOB = `query Job($id: ID!) {
  completion(id: $id) {
    id status seed ranOn engine
    error { code message }
    samples { index nllPerPixel image { dataUri } }
  }
}`;

export const JOB_PROGRESS = `subscription JobProgress($id: ID!) {
  completionProgress(id: $id) { status rowsDone rowsTotal retrying { message } }
}`;

export const CANCEL_JOB = `mutation Cancel($id: ID!) {
  cancelCompletion(id: $id) { id status }
}`;

export const VIEWER = `query Viewer {
  viewer {
    key { name prefix kind scopes expiresAt }
    usage { pixelsThisMonth pixelsPerMonth requestsThisMinute requestsPerMinute }
    usageByDay(days: 30) { day requests pixels }
  }
}`;
