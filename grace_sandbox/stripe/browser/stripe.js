// A stand-in for Stripe.js: Stripe(key).elements().create("card"), confirmCardPayment, retrievePaymentIntent, and the
// 3-D Secure frame. As at Stripe the card is typed into a frame of our origin, so that the page never sees it.
(() => {
  const origin = new URL(document.currentScript.src).origin;

  const frame = (src, title) => Object.assign(document.createElement("iframe"), { src, title });

  class Card {
    constructor(key, options) { this.key = key; this.options = options; this.heard = {}; this.ready = new Promise(done => this.isReady = done); }
    on(event, hear) { (this.heard[event] ||= []).push(hear); if (event === "ready") this.ready.then(() => hear({})); return this; }
    mount(place) {
      const parent = typeof place === "string" ? document.querySelector(place) : place;
      this.frame = frame(`${origin}/v3/card`, "Secure card payment input frame");
      Object.assign(this.frame.style, { border: "0", display: "block", width: "100%", height: "24px", background: "transparent" });
      this.frame.allow = "payment *";
      this.frame.addEventListener("load", () => {
        const { port1, port2 } = new MessageChannel();
        this.port = port1;
        port1.onmessage = ({ data }) => {
          if (data.type === "ready") this.isReady();
          else if (data.type === "answer") { this.answer?.(data.answer); this.answer = null; }
          else (this.heard[data.type] || []).forEach(hear => hear(data.event));
        };
        this.frame.contentWindow.postMessage({ type: "hello", style: this.options.style?.base || {}, disabled: !!this.options.disabled }, origin, [port2]);
      });
      parent.replaceChildren(this.frame);
    }
    unmount() { this.frame?.remove(); }
    destroy() { this.unmount(); }
    async ask(message) {
      await this.ready;
      return new Promise(done => { this.answer = done; this.port.postMessage(message); });
    }
    focus() { this.ready.then(() => this.port.postMessage({ type: "focus" })); }
    clear() { this.ready.then(() => this.port.postMessage({ type: "clear" })); }
    update(options) { this.ready.then(() => this.port.postMessage({ type: "update", disabled: !!options.disabled, style: options.style?.base })); }
  }

  const challenge = address => new Promise(done => {
    const veil = document.createElement("div");
    Object.assign(veil.style, { position: "fixed", inset: "0", zIndex: "2147483647", display: "grid", placeItems: "center", background: "rgba(0,0,0,.5)" });
    const shown = frame(`${address}&frame=1`, "3-D Secure authentication frame");
    Object.assign(shown.style, { width: "min(420px,100vw - 32px)", height: "300px", border: "0", borderRadius: "12px", background: "#fff" });
    const before = document.activeElement;
    const over = event => {
      if (event.origin !== origin || event.source !== shown.contentWindow || event.data !== "3ds-over") return;
      removeEventListener("message", over); veil.remove(); before?.focus?.(); done();
    };
    addEventListener("message", over);
    veil.append(shown); document.body.append(veil); shown.focus();
  });

  const failed = error => ({ error: { type: "api_connection_error", message: "We could not reach the card processor.", ...error } });

  window.Stripe = key => {
    const id = secret => secret.split("_secret_")[0];
    const retrievePaymentIntent = async secret => {
      try {
        const answer = await fetch(`${origin}/v1/payment_intents/${id(secret)}?${new URLSearchParams({ key, client_secret: secret })}`);
        const told = await answer.json();
        return told.error ? failed(told.error) : { paymentIntent: told };
      } catch { return failed({}); }
    };
    const confirmCardPayment = async (secret, data = {}, options = {}) => {
      const { card, billing_details } = data.payment_method || {};
      if (!(card instanceof Card)) return failed({ type: "invalid_request_error", message: "The sandbox takes cards from a card element only." });
      const told = await card.ask({ type: "confirm", key, secret, billing_details });
      if (told.error) return { error: told.error };
      const asked = told.paymentIntent.next_action?.use_stripe_sdk?.stripe_js;
      if (told.paymentIntent.status !== "requires_action" || !asked || options.handleActions === false) return told;
      await challenge(asked);
      const after = await retrievePaymentIntent(secret);
      const why = after.paymentIntent?.status === "requires_payment_method" && after.paymentIntent.last_payment_error;
      return why ? { error: { ...why, payment_intent: after.paymentIntent } } : after;
    };
    return {
      elements: () => ({ create: (type, options = {}) => {
        if (type !== "card") throw new Error(`The sandbox has no ${type} element.`);
        return new Card(key, options);
      } }),
      confirmCardPayment, retrievePaymentIntent,
    };
  };
  window.Stripe.version = "sandbox";
})();
