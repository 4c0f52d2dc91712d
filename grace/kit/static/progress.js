// Says how long a running work has not been heard of, counted here between the messages that move the page.
(() => {
  let version = "", heard = 0;
  setInterval(() => {
    const box = document.querySelector("[data-heard]");
    if (!box) return;
    if (box.dataset.heard !== version) { version = box.dataset.heard; heard = performance.now() - 1000 * box.dataset.ago; }
    const silent = Math.round((performance.now() - heard) / 1000);
    box.hidden = silent < 5;
    box.firstElementChild.textContent = silent;
  }, 1000);
})();
