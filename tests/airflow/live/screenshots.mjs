// Makes the pictures of docs/airflow.md from a running `make airflow` in which days were run.
// npm install playwright-core; node screenshots.mjs http://127.0.0.1:8080 RUN_ID docs
import { chromium } from "playwright-core";

const [url, run, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

for (const view of ["grid", "graph"]) {
  const page = await browser.newPage({ viewport: { width: 1500, height: 760 } });
  await page.addInitScript((view) => localStorage.setItem("default_dag_view", JSON.stringify(view)), view);
  await page.goto(`${url}/dags/carelake_daily/runs/${encodeURIComponent(run)}`);
  await page.waitForLoadState("networkidle");
  await page.getByLabel(/expand all/i).first().click();
  await page.waitForTimeout(4000);
  await page.screenshot({ path: `${folder}/airflow-${view}.png` });
}
await browser.close();
