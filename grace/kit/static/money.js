// The invoice editor: further lines, and the sum as it will be before rounding by category of tax.
(() => {
  const form = () => document.querySelector("[data-invoice]");
  const sum = () => {
    const of = form(); if (!of) return;
    let net = 0, tax = 0;
    of.querySelectorAll("[data-lines] tr").forEach(row => {
      const [what, quantity, price, rate] = [...row.querySelectorAll("input")].map(input => input.value.trim());
      if (!what && !price) return;
      const amount = (quantity === "" ? 1 : Number(quantity)) * Number(price || 0);
      net += amount; tax += amount * Number(rate || 0) / 100;
    });
    const code = of.querySelector("[name=currency]")?.value || of.querySelector("[data-currency]")?.textContent;
    const money = value => new Intl.NumberFormat(code === "INR" ? "en-IN" : "en", { style: "currency", currency: code }).format(value);
    of.querySelector("[data-sum]").textContent = Number.isFinite(net + tax) && net + tax > 0 ? `${money(net + tax)} with tax` : "";
  };
  document.addEventListener("input", sum);
  document.addEventListener("click", event => {
    if (!event.target.closest?.("[data-add-line]")) return;
    const lines = form().querySelector("[data-lines]"), at = lines.rows.length, row = lines.rows[at - 1].cloneNode(true);
    row.querySelectorAll("input").forEach(input => {
      input.name = input.id = input.name.replace(/\d+/, at); input.value = ""; input.defaultValue = "";
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+/, at + 1));
    });
    lines.append(row); row.querySelector("input").focus();
  });
  sum();
})();
