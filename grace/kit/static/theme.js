// Runs before first paint. The query string beats the saved choice, that beats the system's (which needs no script).
(() => {
  const root = document.documentElement;
  let saved = null;
  try { saved = localStorage.getItem("theme"); } catch { /* storage is switched off */ }
  const theme = new URLSearchParams(location.search).get("theme") || saved;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.classList.add("has-js");
})();
