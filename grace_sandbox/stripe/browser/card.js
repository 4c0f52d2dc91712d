// The card field. It talks to the page by a port, and to the API by itself.
(() => {
  const form = document.getElementById("card"), { number, exp, cvc } = form.elements;
  const digits = input => input.value.replace(/\D/g, "");
  let port = null;

  const fault = () => {
    if (digits(number).length < 12) return { code: "incomplete_number", message: "Your card number is incomplete.", input: number };
    if (digits(exp).length < 4) return { code: "incomplete_expiry", message: "Your card's expiration date is incomplete.", input: exp };
    if (digits(cvc).length < 3) return { code: "incomplete_cvc", message: "Your card's security code is incomplete.", input: cvc };
    return null;
  };
  const error = ({ code, message }) => ({ type: "validation_error", code, message });
  const tell = (type, event = {}) => port?.postMessage({ type, event });

  form.addEventListener("input", ({ target }) => {
    target.removeAttribute("aria-invalid");
    if (target === number) {
      number.value = digits(number).replace(/(\d{4})(?=\d)/g, "$1 ");
      if (digits(number).length === 16) exp.focus();
    } else if (target === exp) {
      const given = digits(exp);
      exp.value = given.length > 2 ? `${given.slice(0, 2)} / ${given.slice(2, 4)}` : given;
      if (given.length >= 4) cvc.focus();
    }
    tell("change", { complete: !fault(), empty: !digits(number) && !digits(exp) && !digits(cvc), error: undefined });
  });
  form.addEventListener("focusin", () => tell("focus"));
  form.addEventListener("focusout", () => tell("blur"));
  form.addEventListener("submit", event => event.preventDefault());

  const post = async (path, key, fields) => {
    const answer = await fetch(path, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: new URLSearchParams(fields) });
    return answer.json();
  };
  const confirm = async ({ key, secret, billing_details: billing = {} }) => {
    const wrong = fault();
    if (wrong) { wrong.input.setAttribute("aria-invalid", "true"); wrong.input.focus(); return { error: error(wrong) }; }
    const who = Object.fromEntries(["name", "email"].filter(k => billing[k]).map(k => [`billing_details[${k}]`, billing[k]]));
    const method = await post("/v1/payment_methods", key, { type: "card", "card[number]": digits(number), "card[cvc]": digits(cvc),
      "card[exp_month]": digits(exp).slice(0, 2), "card[exp_year]": digits(exp).slice(2, 4), ...who });
    if (method.error) return { error: method.error };
    const intent = await post(`/v1/payment_intents/${secret.split("_secret_")[0]}/confirm`, key, { client_secret: secret, payment_method: method.id });
    return intent.error ? { error: intent.error } : { paymentIntent: intent };
  };
  const dress = (style, disabled) => {
    if (style?.color) form.style.color = style.color;
    if (style?.fontSize) form.style.fontSize = style.fontSize;
    if (style?.["::placeholder"]?.color) form.style.setProperty("--placeholder", style["::placeholder"].color);
    for (const input of form.elements) input.disabled = disabled;
  };

  addEventListener("message", ({ data, ports }) => {
    if (data?.type !== "hello" || port) return;
    port = ports[0];
    dress(data.style, data.disabled);
    port.onmessage = async ({ data: asked }) => {
      if (asked.type === "focus") number.focus();
      else if (asked.type === "clear") form.reset();
      else if (asked.type === "update") dress(asked.style, asked.disabled);
      else if (asked.type === "confirm") {
        let answer;
        try { answer = await confirm(asked); } catch { answer = { error: { type: "api_connection_error", message: "We could not reach the card processor." } }; }
        port.postMessage({ type: "answer", answer });
      }
    };
    port.postMessage({ type: "ready" });
  });
})();
