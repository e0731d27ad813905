import type { ImageFormat, ImageResolvers, SampleProgressResolvers } from "../../build/graphql-types.ts";
import type { RequestContext } from "../graphql/context.ts";
import * as images from "../image/index.ts";
import type { ImageParent } from "./parents.ts";

const EXTENSION: Record<ImageFormat, images.ImageFormat> = { PNG: "png", WEBP: "webp", JPEG: "jpg" };

/** The stored ids of this request's pictures: a picture is stored when its id or url is asked for, and once. */
const stored = new WeakMap<ImageParent, Promise<string>>();

function store(image: ImageParent, context: RequestContext): Promise<string> {
  const known = stored.get(image);
  if (known) return known;
  const id = images.storePicture(image.picture, context.images);
  stored.set(image, id);
  return id;
}

export const Image: ImageResolvers = {
  id: (image, _, context) => store(image, context),
  width: ({ picture }) => picture.side,
  height: ({ picture }) => picture.side,
  url: async (image, { width, format }, context) => {
    const { side } = image.picture;
    const wanted = images.checkWidth(width, side) === side ? null : width;
    const id = await store(image, context);
    const url = images.imageUrl(new URL(context.request.url).origin, id, wanted, format && EXTENSION[format]);
    return images.parsePrivateId(id) && context.images.owner ? images.signUrl(url, id, context.images.owner) : url;
  },
  dataUri: (image, { width }) => images.dataUri(image.picture, width),
  thumbhash: (image) => images.thumbhash(image.picture),
  tokens: (image) => Array.from(image.tokens),
};

export const SampleProgress: SampleProgressResolvers = {
  tokens: (sample) => Array.from(sample.tokens),
  dataUri: (sample, { width }) => images.progressDataUri(sample.tokens, sample.palette, width),
};
