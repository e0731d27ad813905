import { loadModels, serverError } from "../state/server.ts";
import { side } from "../state/settings.ts";
import { Controls } from "./controls.tsx";
import { DropAndPaste } from "./drop.tsx";
import { Header } from "./header.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { Panels } from "./panels.tsx";
import { Picker } from "./picker.tsx";
import { Problem } from "./problem.tsx";
import { Results } from "./results.tsx";
import { Stage } from "./stage.tsx";
import { ToolOptions, ToolSwitch } from "./toolbar.tsx";

export function App() {
  return (
    <>
      <Header />
      <main>
        <div class="studio">
          <div class="given-side">
            <Picker />
            <ToolSwitch />
            <Stage />
            <ToolOptions />
          </div>
          <div class="drawn-side">
            <Problem error={serverError.value} retry={() => void loadModels()} />
            <Controls />
            <Results />
          </div>
        </div>
        <Panels />
      </main>
      <footer class="foot">
        <p>
          Only the {side}×{side} pixels you see leave your device. The model is an image GPT, running inside a
          Cloudflare Worker.
        </p>
      </footer>
      <KeyDialog />
      <DropAndPaste />
    </>
  );
}
