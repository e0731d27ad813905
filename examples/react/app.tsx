import { useState } from "react";
import { useQuery } from "urql";
import { CompleteDocument } from "../../build/example-documents.ts";

/** Pick a picture, see it completed four ways. Variables and answer are typed by the document. */
export function App() {
  const [base64, setBase64] = useState("");
  const [{ data, error, fetching }] = useQuery({
    query: CompleteDocument,
    variables: { image: { base64 }, samples: 4 },
    pause: base64 === "",
  });

  return (
    <main>
      <label>
        A picture: <input type="file" accept="image/*" onChange={async ({ target }) => setBase64(await read(target))} />
      </label>
      {fetching && <p>Drawing ...</p>}
      {error && <p role="alert">{error.graphQLErrors[0]?.message ?? error.message}</p>}
      {data?.complete && (
        <div>
          <img src={data.complete.input.url} alt="As the model sees it" />
          {data.complete.samples.map(({ index, image, nllPerPixel }) => (
            <img key={index} src={image.url} alt={`Sample ${index + 1}, ${nllPerPixel.toFixed(2)} nats per pixel`} />
          ))}
        </div>
      )}
    </main>
  );
}

async function read({ files }: HTMLInputElement): Promise<string> {
  const bytes = new Uint8Array((await files?.[0]?.arrayBuffer()) ?? new ArrayBuffer(0));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
