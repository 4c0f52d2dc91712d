// What the console adds to pages that already work: live refresh, keys, charts that can be read, drag, errors in place.
(() => {
  const $ = (selector, of = document) => of.querySelector(selector);
  const announce = text => { const box = $("#announce"); box.textContent = ""; requestAnimationFrame(() => box.textContent = text); };
  const app = () => $("#app");

  // --- Swapping: what somebody is typing, has opened or scrolled stays as it is.
  const isDirty = el => el.matches?.("input:not([type=hidden]):not([type=checkbox]):not([type=radio]),textarea")
    ? el.value !== el.defaultValue
    : el.matches?.("input[type=checkbox],input[type=radio]") ? el.checked !== el.defaultChecked
    : el.matches?.("select") ? [...el.options].some(o => o.selected !== o.defaultSelected) : false;
  let keepTyped = false;
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, made) => {
    if (old.nodeType !== 1) return true;
    if (old.id === "refused") return false;
    if (keepTyped && isDirty(old)) return false;
    if (keepTyped && old.matches("form") && [...old.elements].some(isDirty)) return false;
    return true;
  };
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "data-dressed" && node.matches("[data-sortable]")) && !(name === "open" && node.matches("details,dialog")) && !(name === "hidden" && node.matches("#lost"));
  const refresh = () => htmx.ajax("GET", location.pathname + location.search,
    { source: "#app", target: "#app", select: "#app", swap: "morph:outerHTML show:none" });

  // --- Live: a message names what changed; the page is then fetched again like any other.
  // At once, one at a time, with a rest between; what comes meanwhile is one more.
  let again = null, wait = 500, wasLost = false, lastAt = null, running = false, more = false;
  const rest = ms => new Promise(done => setTimeout(done, ms));
  const refreshSoon = async () => {
    more = true;
    if (running) return;
    running = true;
    while (more) { more = false; await refresh().catch(() => {}); await rest(250); }
    running = false;
  };
  document.addEventListener("htmx:beforeSwap", event => {
    const { elt, path } = event.detail.requestConfig || {};
    keepTyped = Idiomorph.defaults.ignoreActiveValue = elt === app();  // only a refresh: what one asked for oneself replaces
    if (elt !== app() || path === location.pathname + location.search) return;
    event.detail.shouldSwap = false; more = true;  // somebody has gone elsewhere while the page was fetched
  });
  const watches = changes => {
    const topics = (app().dataset.live || "").split(" ").filter(Boolean);
    return topics.includes("*") || changes.some(([topic, id]) => topics.includes(topic) || topics.includes(`${topic}:${id}`));
  };
  // Whether long work runs is shown on every page; a page that watches nothing else fetches only that.
  const markWork = async () => {
    const answer = await fetch("/app/work/mark", { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const html = await answer.text();
    document.querySelectorAll("[data-busy]").forEach(box => { if (box.innerHTML !== html) box.innerHTML = html; });
  };
  const showLost = lost => {
    const box = $("#lost"); if (!box) return;
    box.hidden = !lost;
    if (lost) $("[data-lost-at]", box).textContent = lastAt || app().dataset.at;
    document.documentElement.classList.toggle("is-lost", lost);
  };
  const connect = () => {
    clearTimeout(again);
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.onopen = () => { wait = 500; showLost(false); document.documentElement.classList.add("is-live"); if (wasLost) { wasLost = false; refreshSoon(); } };
    socket.onmessage = event => {
      const changes = JSON.parse(event.data);
      if (watches(changes)) refreshSoon();
      if (changes.some(([topic]) => topic === "busy")) markWork();
    };
    socket.onclose = () => {
      if (!wasLost) lastAt = app().dataset.at;
      wasLost = true; document.documentElement.classList.remove("is-live");
      setTimeout(() => showLost(wasLost), 1500);
      again = setTimeout(connect, wait); wait = Math.min(wait * 2, 15000);
    };
  };
  if (app()) connect();

  // --- Refusals: said above the page and beside the fields; what was typed stays.
  const clearRefusal = () => {
    $("#refused").hidden = true;
    document.querySelectorAll("[data-fault]").forEach(el => el.remove());
    document.querySelectorAll("[aria-invalid]").forEach(el => { el.removeAttribute("aria-invalid"); el.classList.remove("bad-in"); });
  };
  const refuse = (detail, faults = [], form = null) => {
    clearRefusal();
    const open = document.querySelector("dialog[open]");
    for (const { at, what } of faults) {
      const input = form?.elements?.namedItem(at);
      if (!input?.insertAdjacentElement) continue;
      input.setAttribute("aria-invalid", "true"); input.classList.add("bad-in");
      input.insertAdjacentElement("afterend", Object.assign(document.createElement("p"), { className: "help badc", textContent: what }))
        .dataset.fault = "";
    }
    const box = $("#refused");
    $("[data-refused]", box).textContent = detail;
    box.hidden = false;
    if (open && form && open.contains(form)) {
      form.prepend(Object.assign(document.createElement("p"), { className: "help badc", textContent: detail })); form.firstChild.dataset.fault = "";
    }
    box.scrollIntoView({ block: "nearest" });
  };
  let lastForm = null;
  document.addEventListener("htmx:beforeRequest", event => {
    if (event.target.id === "app") return;  // a refresh: what was refused stays said
    lastForm = event.target.closest?.("form"); clearRefusal();
    if (event.detail.requestConfig?.verb !== "get") busy(lastForm, true);
  });
  document.addEventListener("htmx:afterRequest", () => busy(lastForm, false));
  document.addEventListener("refused", event => refuse(event.detail.detail, event.detail.errors, lastForm));
  document.addEventListener("htmx:sendError", () => {
    if (lastForm) refuse("Grace did not answer. Send it once more: what has been done already is not done twice.");
  });
  const busy = (form, on) => form?.querySelectorAll("button").forEach(b => { b.disabled = on; on ? b.setAttribute("aria-busy", "true") : b.removeAttribute("aria-busy"); });
  document.addEventListener("submit", event => {  // plain forms: a double click sends once
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-boost")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1"; setTimeout(() => delete form.dataset.sent, 4000);
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(f => delete f.dataset.sent));

  // --- After a change of view the heading has the focus; after closing a drawer, what had opened it.
  let opener = null;
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[hx-boost]");
    if (link?.id && !link.closest(".drawer")) opener = link.id;
  });
  document.addEventListener("htmx:pushedIntoHistory", () => setTimeout(() => {
    const drawer = $(".drawer h2, .pf h2, .detail h2");
    const place = drawer || document.getElementById(opener) || $("h1");
    if (!place || document.activeElement?.matches("input,textarea,select")) return;
    if (!place.matches("a,button")) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }, 0));
  addEventListener("popstate", () => { if (app()) setTimeout(refresh, 0); });
  document.addEventListener("htmx:oobBeforeSwap", event => {  // what was done stays told when the page is refreshed
    if (event.detail.target.id === "said" && !event.detail.fragment.textContent.trim()) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", () => { tell(); dress(document); });
  const tell = () => {
    const box = $("#said"); if (!box || box.hidden || box.dataset.told) return;
    box.dataset.told = "1"; setTimeout(() => { box.hidden = true; }, 6000);
  };
  tell();

  // --- Keys. Single keys can be switched off on the account page.
  const palette = $("#palette");
  const openPalette = () => { palette.showModal(); $("#palette-q").select(); if (!$("#palette-found").children.length) htmx.trigger("#palette-q", "input"); };
  const places = { h: "/app", p: "/app/pipeline", a: "/app/approvals", i: "/app/invoices", l: "/app/audit" };
  let going = 0;
  const step = by => {
    const items = [...document.querySelectorAll("[data-item]")].filter(el => el.offsetParent);
    if (!items.length) return;
    const at = items.findIndex(el => el === document.activeElement || el.getAttribute("aria-current") === "true");
    items[Math.min(items.length - 1, Math.max(0, at + by))].focus();
  };
  document.addEventListener("keydown", event => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && palette) { event.preventDefault(); openPalette(); return; }
    if (palette?.open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const links = [...palette.querySelectorAll("a,button")], at = links.indexOf(document.activeElement);
      event.preventDefault();
      (links[at + (event.key === "ArrowDown" ? 1 : -1)] || $("#palette-q")).focus(); return;
    }
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) { $("[data-close]")?.click(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input,textarea,select,[contenteditable]") || document.querySelector("dialog[open]")) return;
    let off = false; try { off = localStorage.getItem("keys") === "off"; } catch { /* storage is switched off */ }
    if (off) return;
    const key = event.key.toLowerCase();
    if (Date.now() - going < 1200 && places[key]) { going = 0; location.assign(places[key]); return; }
    if (key === "g") { going = Date.now(); return; }
    if (key === "j") step(1); else if (key === "k") step(-1);
    else if (key === "a") $("[data-approve]")?.focus();
    else if (event.key === "?") $("#keys")?.showModal();
  });
  document.addEventListener("click", event => {
    const on = selector => event.target.closest?.(selector);
    if (on("[data-palette]") && palette?.showModal) { event.preventDefault(); openPalette(); }
    else if (on("[data-theme-toggle]")) {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* storage is switched off */ }
      announce(dark ? "Light" : "Dark");
    }
    else if (on("[data-copy]")) { navigator.clipboard?.writeText(on("[data-copy]").dataset.copy); announce("Copied"); }
    else if (on("[data-reconnect]")) { wait = 500; connect(); }
    else if (on("[data-dismiss]")) clearRefusal();
    else if (on("[data-print]")) print();
    else if (on("[data-stage]")) {
      const stage = on("[data-stage]").dataset.stage;
      document.querySelectorAll("[data-stage]").forEach(b => b.setAttribute("aria-pressed", b.dataset.stage === stage));
      document.querySelectorAll(".col").forEach(c => c.classList.toggle("pick", c.id === stage));
    }
    else if (event.target === palette) palette.close();
  });
  // Typing the amount opens the button of what cannot be undone.
  document.addEventListener("input", event => {
    const want = event.target.dataset?.mustBe; if (!want) return;
    const button = event.target.form.querySelector("[data-guarded]");
    if (button) button.disabled = event.target.value.replace(/[^0-9.]/g, "") !== want.replace(/[^0-9.]/g, "");
  });

  // --- Charts: pointing or the arrow keys read one column.
  const dress = root => {
    root.querySelectorAll("[data-chart]:not([data-dressed])").forEach(chart => {
      chart.dataset.dressed = "";
      const hits = [...chart.querySelectorAll(".hit")]; if (!hits.length) return;
      const tip = chart.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));
      let at = -1;
      const show = i => {
        hits.forEach((hit, j) => hit.classList.toggle("on", i === j)); at = i;
        if (i < 0) { tip.hidden = true; return ""; }
        const hit = hits[i], rows = hit.dataset.rows.split("|").map(row => row.split("="));
        tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: hit.dataset.title }), ...rows.map(([name, value]) => {
          const row = document.createElement("div");
          row.append(...[name, value].map(text => Object.assign(document.createElement("span"), { textContent: text })));
          return row;
        }));
        tip.hidden = false;
        const outer = chart.getBoundingClientRect(), inner = hit.getBoundingClientRect(), width = tip.offsetWidth;
        let x = inner.right - outer.left + 6; if (x + width > outer.width) x = inner.left - outer.left - width - 6;
        tip.style.transform = `translate(${Math.max(0, x)}px,${Math.max(0, inner.top - outer.top + 4)}px)`;
        return `${hit.dataset.title}: ${rows.map(row => row.join(" ")).join(", ")}`;
      };
      hits.forEach((hit, i) => hit.addEventListener("pointerenter", () => show(i)));
      chart.addEventListener("pointerleave", () => show(-1));
      chart.addEventListener("blur", () => show(-1));
      chart.addEventListener("keydown", event => {
        if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
          event.preventDefault();
          announce(show(Math.min(hits.length - 1, Math.max(0, at + (event.key === "ArrowRight" ? 1 : -1)))));
        }
        if (event.key === "Escape") show(-1);
      });
    });
    // Board: a card dropped into a column asks for the move that its menu would.
    if (window.Sortable) root.querySelectorAll("[data-sortable]:not([data-dressed])").forEach(list => {
      list.dataset.dressed = "";
      Sortable.create(list, { group: "board", animation: 120, draggable: "li[data-move]", onEnd: ({ item, from, to }) => {
        if (from === to) return;
        htmx.ajax("POST", item.dataset.move, { source: item, target: "#app", select: "#app", swap: "morph:outerHTML show:none",
          values: { stage: to.dataset.sortable, version: item.dataset.version } }).then(refresh);
      } });
    });
  };
  dress(document);
})();
