// The pay page: a card by Stripe.js, one payment however often the button is pressed, and what the server says of it.
(() => {
  const $ = id => document.getElementById(id);
  document.addEventListener("click", event => { if (event.target.closest?.("[data-print]")) print(); });
  const place = document.querySelector("[data-pay]");
  if (!place) return;
  // On a phone the details start folded, so that the way to pay is in view.
  const details = document.querySelector(".what");
  if (details && matchMedia("(max-width:760px)").matches) details.open = false;

  const { key, intent, due } = place.dataset;
  const form = $("card-form"), button = $("pay"), failed = $("failed"), waiting = $("waiting"), wrong = $("card-wrong");
  const PAYING = "paying";
  let stripe = null, card = null, busy = false, polling = 0;

  const working = on => { busy = on; button.disabled = on || !card; on ? button.setAttribute("aria-busy", "true") : button.removeAttribute("aria-busy"); };
  const fail = text => {
    mark(false);
    failed.querySelector("span").textContent = text; failed.hidden = false;
    if (form) { form.hidden = false; working(false); }
    waiting.hidden = true; failed.focus();
  };
  const show = (text, more) => {
    waiting.querySelector("[data-said]").textContent = text;
    waiting.querySelector("[data-more]").textContent = more || "This page updates by itself. Keep it open.";
    if (form) form.hidden = true;
    failed.hidden = true; waiting.hidden = false;
  };
  const marked = new URLSearchParams(location.search).has(PAYING);
  const mark = on => history.replaceState(null, "", on ? `${location.pathname}?${PAYING}` : location.pathname);
  const anew = () => { mark(false); location.reload(); };
  const ask = async () => {
    const answer = await fetch(location.pathname, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 410 || answer.status === 404) { anew(); return null; }
    return answer.ok ? answer.json() : null;
  };
  const changed = told => told && (!told.payable || String(told.amount_due) !== String(Number(due)));

  // The server says when it is paid; it looks at the processor itself. `patience` ends the wait of one who may not
  // have paid at all; who has confirmed waits on. `heed`: a failure that it tells of is of this try, not of one before.
  const poll = async ({ patience = 0, heed = false } = {}) => {
    const mine = ++polling, begun = Date.now();
    let pause = 400;
    while (mine === polling) {
      let told = null;
      try { told = await ask(); } catch { /* the line is down: ask again */ }
      if (mine !== polling) return;
      if (changed(told)) return anew();
      if (heed && told?.card === "failed") return fail(told.card_failure);
      if (patience && Date.now() - begun > patience && told?.card !== "processing") { mark(false); waiting.hidden = true; if (form) { form.hidden = false; working(false); } return; }
      if (Date.now() - begun > 60000) show("This takes longer than usual", "You need not wait: the invoice shows as paid once the money is there. Do not pay again.");
      await new Promise(done => setTimeout(done, pause)); pause = Math.min(pause * 1.5, 5000);
    }
  };
  const NOTHING = "No money has left your account.";
  const ANOTHER = "Try again, or use another card.";
  const words = error => {
    if (error.code === "payment_intent_authentication_failure") return `Your bank did not confirm the payment. ${NOTHING} ${ANOTHER}`;
    if (error.type === "card_error") return ["The card was declined.", NOTHING, /declined\.?$/.test(error.message || "") ? "" : error.message, ANOTHER].filter(Boolean).join(" ");
    return null;
  };

  const pay = async () => {
    let prepared;
    try {
      const answer = await fetch(intent, { method: "POST", headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (answer.status === 202) { show("Preparing your payment"); return poll({ patience: 30000 }); }
      if (answer.status === 409 && told.type?.endsWith("nothing-due")) return anew();
      if (!answer.ok) return fail(`${told.detail || "The card processor did not answer."} ${NOTHING}`);
      prepared = told;
    } catch { return fail(`We could not reach the server. ${NOTHING} Try again.`); }
    if (String(prepared.amount) !== String(Number(due))) return anew();
    const name = $("name").value.trim();
    mark(true);  // who loads the page again from here on is not asked to pay once more before it is clear what came of this
    const { error, paymentIntent } = await stripe.confirmCardPayment(prepared.client_secret,
      { payment_method: { card, billing_details: name ? { name } : {} } });
    if (error?.type === "validation_error") { wrong.textContent = error.message; wrong.hidden = false; working(false); mark(false); return; }
    if (error && words(error)) return fail(words(error));
    if (error && error.payment_intent?.status !== "succeeded" && error.code !== "payment_intent_unexpected_state") {
      show("Asking whether your payment went through"); return poll({ patience: 20000 });
    }
    if (paymentIntent && ["requires_payment_method", "requires_action", "canceled"].includes(paymentIntent.status)) return fail(`The payment was not confirmed. ${NOTHING} ${ANOTHER}`);
    show("Waiting for your payment"); return poll();
  };

  if (place.dataset.pay === "waiting") poll({ heed: true });
  else if (marked) { show("Asking whether your payment went through"); poll({ patience: 15000 }); }
  addEventListener("pageshow", async event => { if (event.persisted && !busy && changed(await ask().catch(() => null))) anew(); });
  document.addEventListener("visibilitychange", async () => {
    if (!document.hidden && !busy && waiting.hidden && changed(await ask().catch(() => null))) anew();
  });
  if (!form) return;

  const begin = () => {
    stripe = window.Stripe(key);
    const { color } = getComputedStyle(document.body), muted = getComputedStyle(document.querySelector(".muted")).color;
    card = stripe.elements().create("card", { hidePostalCode: true, style: { base: { color, iconColor: muted, fontSize: "16px", "::placeholder": { color: muted } } } });
    card.mount("#card");
    card.on("ready", () => { form.dataset.ready = ""; if (!busy) button.disabled = false; });
    card.on("focus", () => $("card").classList.add("focus"));
    card.on("blur", () => $("card").classList.remove("focus"));
    card.on("change", event => { wrong.hidden = !event.error; wrong.textContent = event.error?.message || ""; });
  };
  const script = document.querySelector("[data-stripe]");
  const missing = () => { if (!window.Stripe) fail("The card form could not be loaded. Check the connection, then load this page again."); };
  if (window.Stripe) begin();
  else { script.addEventListener("load", begin); script.addEventListener("error", missing); setTimeout(missing, 15000); }
  form.addEventListener("submit", event => {
    event.preventDefault();
    if (busy || !card) return;
    failed.hidden = true; wrong.hidden = true; working(true); polling++;
    pay().catch(() => { show("Asking whether your payment went through"); poll({ patience: 20000 }); });
  });
})();
