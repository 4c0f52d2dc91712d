// Verifies an entry in the browser: everything is hashed anew from the proof's bytes (docs/audit-format.md), and what
// the page shows is compared with what was hashed. Grace's own word counts for nothing here.
(() => {
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const hex = data => [...data].map(b => b.toString(16).padStart(2, "0")).join("");
  const join = (...parts) => { const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { all.set(p, at); at += p.length; } return all; };
  const sha = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const same = (a, b) => hex(a) === hex(b);
  const utf8 = new TextEncoder(), text = new TextDecoder();
  const NAMES = ["at", "recorded_at", "principal_kind", "principal_id", "principal_owner", "action", "subject_kind", "subject_id", "request_id"];

  const header = data => {
    if (data[0] !== 1) throw new Error("the header is of another version");
    const fields = {}, view = new DataView(data.buffer, data.byteOffset);
    let at = 1;
    for (const name of NAMES) {
      const size = view.getUint32(at), value = data.slice(at + 4, at + 4 + size);
      fields[name] = name === "at" || name === "recorded_at" ? view.getBigInt64(at + 4) : text.decode(value);
      at += 4 + size;
    }
    if (at !== data.length) throw new Error("the header has not the fields of its version");
    return fields;
  };
  const micros = iso => {
    const [, day, fraction = ""] = iso.match(/^(.*?)(?:\.(\d+))?(?:Z|\+00:00)$/);
    return BigInt(Date.parse(day + "Z")) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
  };
  const sorted = value => Array.isArray(value) ? value.map(sorted)
    : value && typeof value === "object" ? Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])])) : value;
  const alike = (a, b) => JSON.stringify(sorted(a ?? null)) === JSON.stringify(sorted(b ?? null));

  const rootOf = async (leaf, index, size, proof) => {  // RFC 9162 section 2.1.3.2
    if (index >= size) return null;
    let position = index, last = size - 1, root = leaf;
    for (const sibling of proof) {
      if (last === 0) return null;
      if (position % 2 || position === last) {
        root = await sha([1], sibling, root);
        while (position % 2 === 0 && position) { position = Math.floor(position / 2); last = Math.floor(last / 2); }
      } else root = await sha([1], root, sibling);
      position = Math.floor(position / 2); last = Math.floor(last / 2);
    }
    return last === 0 ? root : null;
  };

  const signature = async (note, key) => {
    const [name, id, body] = key.split(/\+(?=[0-9a-f]{8}\+)|(?<=\+[0-9a-f]{8})\+/);
    const publicKey = bytes(body).slice(1), signed = note.slice(0, note.indexOf("\n\n") + 1);
    const mark = (await sha(utf8.encode(name), [10, 1], publicKey)).slice(0, 4);
    const line = note.slice(note.indexOf("\n\n") + 2).split("\n").map(l => l.split(" ")).find(([dash, who]) => dash === "\u2014" && who === name);
    if (!line || hex(mark) !== id) return false;
    const found = bytes(line[2]);
    if (!same(found.slice(0, 4), mark)) return false;
    let imported;
    try { imported = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]); } catch { return null; }
    return crypto.subtle.verify({ name: "Ed25519" }, imported, found.slice(4), utf8.encode(signed));
  };

  const check = async function* (id) {
    const get = async path => { const answer = await fetch(path, { headers: { Accept: "application/json" } }); if (!answer.ok) throw new Error(`Grace answered ${answer.status}`); return answer.json(); };
    const [shown, given] = await Promise.all([get(`/api/v1/audit/entries/${id}`), get(`/api/v1/audit/entries/${id}/proof`)]);
    const entry = given.entry, head = bytes(entry.header), commitment = bytes(entry.commitment), read = header(head);
    const fits = ["principal_kind", "principal_id", "action", "subject_kind", "subject_id", "request_id"].every(name => read[name] === shown[name])
      && read.principal_owner === (shown.principal_owner ?? "") && read.at === micros(shown.at) && read.recorded_at === micros(shown.recorded_at);
    yield [fits, fits ? "Who, what and when are those that were hashed" : "Who, what or when is not what was hashed"];
    if (entry.payload === null) yield [null, "Reason, before and after were erased; their commitment stands"];
    else {
      const whole = JSON.parse(entry.payload), payload = same(await sha(bytes(entry.salt), utf8.encode(entry.payload)), commitment);
      const told = ["reason", "before", "after"].every(name => alike(whole[name], shown[name]));
      yield [payload && told, payload && told ? "Reason, before and after hash to the entry's commitment" : "Reason, before or after is not what was hashed"];
    }
    const leaf = await sha([0], head, commitment), [, size, root] = given.checkpoint.split("\n");
    yield [true, `Leaf ${hex(leaf).slice(0, 4)}…${hex(leaf).slice(-4)} computed here`];
    const found = await rootOf(leaf, entry.leaf, Number(size), entry.proof.map(bytes)), included = found !== null && same(found, bytes(root));
    yield [included, included ? `${entry.proof.length} hashes lead to the root of ${Number(size).toLocaleString("en")} entries` : "The path does not lead to the signed root"];
    const signed = await signature(given.checkpoint, given.key);
    yield [signed, signed === null ? "This browser has no Ed25519: the signature was not checked" : signed ? "The root is signed by the log's key" : "The root's signature is wrong"];
  };

  let done = null;  // kept over live refreshes of the page
  const paint = () => {
    const list = document.getElementById("vsteps"), box = document.querySelector("[data-verify]");
    if (!list || !box || done?.id !== box.dataset.verify) return;
    list.replaceChildren(...done.steps.map(([ok, said, sum]) => Object.assign(document.createElement("li"), { textContent: said, className: `${ok === null ? "none" : ok ? "ok" : "bad"}${sum ? " sum" : ""}` })));
  };
  document.addEventListener("click", async event => {
    const box = event.target.closest?.("[data-verify]"); if (!box) return;
    const mine = done = { id: box.dataset.verify, steps: [] };
    paint();
    if (!globalThis.crypto?.subtle) { mine.steps.push([null, "Browsers compute hashes only over https or on this machine"]); paint(); return; }
    try { for await (const step of check(mine.id)) { mine.steps.push(step); if (done === mine) paint(); } }
    catch (error) { mine.steps.push([false, `It could not be checked: ${error.message}`]); }
    const broken = mine.steps.some(([ok]) => ok === false);
    mine.steps.push([!broken, broken ? "Broken: this entry is not what was sealed" : "Verified in this browser", true]);
    if (done === mine) paint();
  });
  document.addEventListener("htmx:afterSettle", paint);
})();
