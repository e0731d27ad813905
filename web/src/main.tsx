import { render } from "preact";
import { apiKey } from "./api/key.ts";
import { forgetMeasures } from "./state/album.ts";
import { followLink } from "./state/link.ts";
import { loadModels } from "./state/server.ts";
import { modelId, side } from "./state/settings.ts";
import { FIRST, openShipped } from "./state/source.ts";
import { App } from "./views/app.tsx";
import "./styles/main.css";

async function openFirst(): Promise<void> {
  if (!(await followLink(location.hash)) && FIRST) await openShipped(FIRST);
}

const root = document.getElementById("app");
if (root) render(<App />, root);
apiKey.subscribe(() => void loadModels()); // now, and with each key: another one may see other models
modelId.subscribe(forgetMeasures);
side.subscribe((pixels) => document.documentElement.style.setProperty("--side", `${pixels}px`));
void openFirst();
window.addEventListener("hashchange", () => void followLink(location.hash));
