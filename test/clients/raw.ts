import { connect } from "node:net";

/** What a server answered on a bare connection. */
export interface RawAnswer {
  /** 0: it closed the connection without a word. */
  status: number;
  /** Everything that came: status line, headers, body. */
  text: string;
}

/**
 * Sends bytes as they are, since HTTP libraries refuse to send what is unusual (a GET with a body, TRACE).
 * @returns the answer's beginning, up to a short silence after its headers
 */
export function sendRaw(url: URL, bytes: string | Uint8Array): Promise<RawAnswer> {
  const { hostname, port } = url;
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = "";
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    let timer = setTimeout(end, 60_000);
    socket.on("data", (data) => {
      text += data;
      if (!text.includes("\r\n\r\n")) return;
      clearTimeout(timer);
      timer = setTimeout(end, 100);
    });
    socket.on("close", end);
    socket.on("error", end);
  });
}
