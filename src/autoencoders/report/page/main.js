/* What is done when the page has been read: the first screen, then what needs its pictures. */

import { content } from "./content.js";
import { startExplorer } from "./explorer.js";
import { startGeneration } from "./generation.js";
import { readAtlases } from "./models.js";
import { startOverview } from "./overview.js";
import { startRestore } from "./restore.js";
import { startResults } from "./results.js";
import { readSheets } from "./sheets.js";

async function start() {
  startOverview();
  startResults();
  await Promise.all([readSheets({ original: content.sheets.original, ...content.sheets.inputs }),
    readAtlases()]);
  startExplorer();
  startRestore();
  // What is further down may wait until what is above has been drawn.
  setTimeout(() => {
    startGeneration();
    document.documentElement.dataset.ready = "";
  });
}

start();
