// Makes the pictures of docs/airflow.md from a running `make airflow` in which days were run.
// npm install playwright-core; node screenshots.mjs http://127.0.0.1:8080 RUN_ID docs
import { chromium } from "playwright-core";

const [url, run, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1500, height: 800 } });

async function picture(path, name, prepare = async () => {}) {
  await page.goto(`${url}${path}`);
  await page.waitForLoadState("networkidle");
  await prepare();
  await page.waitForTimeout(3000);
  await page.screenshot({ path: `${folder}/${name}.png` });
}

async function show(view) {
  await page.evaluate((view) => {
    for (const key of Object.keys(localStorage)) if (key.includes("dag_view")) localStorage.removeItem(key);
    localStorage.setItem("dag_view-carelake_daily", JSON.stringify(view));
  }, view);
  await page.reload();
  await page.waitForLoadState("networkidle");
}

await picture(`/dags/carelake_daily/runs/${encodeURIComponent(run)}`, "airflow-grid", () => show("grid"));
await picture(`/dags/carelake_daily/runs/${encodeURIComponent(run)}`, "airflow-graph", () => show("graph"));
await browser.close();
