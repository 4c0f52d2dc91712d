// The account page's switches: kept in this browser only.
(() => {
  const root = document.documentElement;
  const kept = name => { try { return localStorage.getItem(name) || ""; } catch { return ""; } };
  const keep = (name, value) => { try { value ? localStorage.setItem(name, value) : localStorage.removeItem(name); } catch { /* storage is switched off */ } };
  const paint = () => {
    document.querySelectorAll("[data-theme-is]").forEach(b => b.setAttribute("aria-pressed", b.dataset.themeIs === kept("theme")));
    document.querySelectorAll("[data-keys-is]").forEach(b => b.setAttribute("aria-pressed", b.dataset.keysIs === (kept("keys") || "on")));
  };
  document.addEventListener("click", event => {
    const theme = event.target.closest?.("[data-theme-is]"), keys = event.target.closest?.("[data-keys-is]");
    if (theme) { keep("theme", theme.dataset.themeIs); theme.dataset.themeIs ? root.dataset.theme = theme.dataset.themeIs : delete root.dataset.theme; }
    if (keys) keep("keys", keys.dataset.keysIs === "off" ? "off" : "");
    setTimeout(paint, 0);
  });
  document.addEventListener("htmx:afterSettle", paint);
  paint();
})();
