// Makes the pictures of docs/airflow.md from a running Airflow in which days were run: in the folder docs,
// npm install --no-save --prefix ~/.cache/carelake/pictures playwright-core
// PICTURES=docs NODE_PATH=~/.cache/carelake/pictures/node_modules make test-airflow
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [url, run, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

for (const view of ["grid", "graph"]) {
  const page = await browser.newPage({ viewport: { width: 1500, height: view === "grid" ? 760 : 500 } });
  page.setDefaultTimeout(180_000);
  await page.addInitScript((view) => localStorage.setItem("default_dag_view", JSON.stringify(view)), view);
  await page.goto(`${url}/dags/carelake_daily/runs/${encodeURIComponent(run)}`);
  await page.waitForLoadState("networkidle");
  await page.getByLabel("Expand all task groups").click();
  if (view === "graph") {
    await page.getByLabel("Collapse Details Panel").click();
    await page.waitForTimeout(2000);
    await page.getByLabel("Fit View").click();
  }
  await page.waitForTimeout(4000);
  await page.screenshot({ path: `${folder}/airflow-${view}.png` });
}
await browser.close();
