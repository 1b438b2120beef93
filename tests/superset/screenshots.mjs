// Makes the pictures of docs/bi-tools.md from a running `make superset`.
// npm install playwright-core; node screenshots.mjs http://127.0.0.1:8088 docs
import { chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
// A machine that is busy with other things answers late.
page.setDefaultTimeout(180000);
let wrong = 0;
page.on("response", async (answer) => {
  if (answer.url().includes("/api/v1/chart/data") && !answer.ok()) {
    wrong += 1;
    console.error(answer.status(), await answer.text());
  }
});

await page.goto(`${url}/login/`);
await page.getByRole("textbox").first().fill("admin");
await page.locator("input[type=password]").fill("admin");
await page.locator("button[type=submit]").click();
await page.waitForURL((now) => !now.pathname.startsWith("/login"));

for (const slug of ["cost-and-departments", "clinic-operations", "no-show-risk", "data-quality"]) {
  await page.setViewportSize({ width: 1500, height: 1000 });
  await page.goto(`${url}/superset/dashboard/${slug}/?standalone=1`);
  await page.waitForSelector(".dashboard-grid");
  // Charts are asked for as they come into view: the window is made as high as the page.
  const height = await page.evaluate(() => document.querySelector(".grid-container").getBoundingClientRect().bottom + window.scrollY);
  await page.setViewportSize({ width: 1500, height: Math.ceil(height) + 16 });
  await page.waitForTimeout(3000);
  await page.waitForFunction(() => !document.querySelector(".loading, [data-test=loading-indicator]"), null, { timeout: 180000 });
  await page.waitForTimeout(3000);
  await page.screenshot({ path: `${folder}/superset-${slug}.png` });
  wrong += await page.locator(".ant-alert-error, [data-test=error-alert]").count();
}
await browser.close();
if (wrong) throw new Error(`${wrong} charts failed`);
