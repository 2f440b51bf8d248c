// Questions to the service. An error carries the service's own words.

export class Problem extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

function send(path, options = {}) {
  const key = sessionStorage.getItem("key"); // forgotten with the tab
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  return fetch(path, { ...options, headers });
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body.code ?? "error", body.detail ?? response.statusText);
  return body;
}

// The answer to a question; asks again while the service still loads, after pauses that grow.
export async function whenReady(question, waiting) {
  for (let pause = 500; ; pause = Math.min(1.5 * pause, 5000)) {
    try {
      return await question();
    } catch (error) {
      if (error.code !== "not_ready") throw error;
    }
    waiting();
    await new Promise((done) => setTimeout(done, pause));
  }
}

export async function classify(product, { explain = false, signal } = {}) {
  const form = new FormData();
  for (const name of ["title", "characteristics", "model"]) if (product[name]) form.set(name, product[name]);
  if (product.photo) form.set("image", product.photo, "photo.jpg");
  form.set("top_k", "4");
  if (explain) form.set("explain", "true");
  // A draft: half a title is not what a person will be asked to look at, nor what drift is told from.
  const response = await send("/classify", { method: "POST", body: form, signal, headers: { "X-Draft": "1" } });
  return { requestId: response.headers.get("X-Request-ID"), ...(await answered(response)) };
}

export async function feedback(requestId, categoryId) {
  const body = JSON.stringify({ request_id: requestId, category_id: categoryId });
  return answered(await send("/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body }));
}

export async function modelOf(name) {
  return answered(await send(name ? `/model?model=${encodeURIComponent(name)}` : "/model"));
}

export async function categoriesOf(name) {
  return (await answered(await send(`/categories?model=${encodeURIComponent(name)}`))).categories;
}
