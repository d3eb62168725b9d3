// A Cloudflare Worker that takes one-click unsubscribes (RFC 8058) where no server runs, and keeps them for
// `newsletter sync`. It needs a KV namespace bound as CLICKS, and a secret SYNC_TOKEN. It knows no secret of the
// newsletter's: what it keeps is verified when it is read.

const KEEP_S = 90 * 24 * 3600; // read it more often than that
const TOKEN = /^\/u\/([A-Za-z0-9._-]{20,500})$/;
const PAGE = `<!doctype html><meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<title>Unsubscribe</title><h1>Unsubscribe?</h1><form method="post"><button>Unsubscribe</button></form>`;

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const token = TOKEN.exec(url.pathname)?.[1];
    if (token && request.method === "POST") {
      // A key for each token: many clicks are one. The last one counts, since they may have come back before it.
      await env.CLICKS.put(token, new Date().toISOString(), { expirationTtl: KEEP_S });
      return new Response("Your request was taken.\n"); // never a redirect
    }
    if (token) {
      return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" } });
    }
    if (url.pathname === "/clicks" && env.SYNC_TOKEN && (await same(request.headers.get("authorization"), `Bearer ${env.SYNC_TOKEN}`))) {
      let lines = "";
      for (let cursor; ; ) {
        const page = await env.CLICKS.list({ cursor });
        for (const { name } of page.keys) {
          const time = await env.CLICKS.get(name);
          if (time) lines += JSON.stringify({ token: name, time }) + "\n";
        }
        if (page.list_complete) break;
        cursor = page.cursor;
      }
      return new Response(lines, { headers: { "content-type": "application/jsonl", "cache-control": "no-store" } });
    }
    return new Response("There is no such page.\n", { status: 404 });
  },
};

// Compares digests, so that how long it takes tells nothing.
async function same(given, wanted) {
  const digest = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text ?? "")));
  const [a, b] = [await digest(given), await digest(wanted)];
  return a.reduce((differs, byte, at) => differs | (byte ^ b[at]), 0) === 0;
}
