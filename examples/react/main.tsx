import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { App } from "./app.tsx";
import { createApi } from "./client.ts";

declare const IGPT_ENDPOINT: string;
declare const IGPT_KEY: string;

const root = document.getElementById("root");
if (!root) throw new Error("The page has no #root.");
createRoot(root).render(
  <Provider value={createApi(IGPT_ENDPOINT, IGPT_KEY)}>
    <App />
  </Provider>,
);
