"use strict";
(() => {
  const root = document.documentElement;

  // Light or dark: the system's choice until the button is pressed.
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const nameTheme = () => { theme.textContent = isDark() ? "Light colours" : "Dark colours"; };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  system.addEventListener("change", nameTheme);
  nameTheme();
  theme.hidden = false;

  // Filters: a paragraph is shown if every group with a pressed button has one that it goes by.
  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const setUp = (scope) => {
    const buttons = [...scope.querySelectorAll("button[data-group]")];
    const documents = [...scope.querySelectorAll("details.document")].map((element) => ({
      element,
      shown: element.querySelector(".shown"),
      paragraphs: [...element.querySelectorAll(".paragraph")],
    }));
    const open = scope.querySelector("button[data-open]");
    const clear = scope.querySelector("button[data-clear]");
    const nothing = scope.querySelector(".nothing");
    const visible = () => documents.filter((each) => !each.element.hidden);
    const nameOpen = () => {
      open.textContent = visible().some((each) => !each.element.open) ? "Open all" : "Close all";
    };

    const update = () => {
      const groups = {};
      for (const button of buttons) {
        if (button.getAttribute("aria-pressed") === "true") {
          (groups[button.dataset.group] ??= []).push(button.dataset.value);
        }
      }
      const passes = (paragraph) => Object.entries(groups).every(([group, wanted]) => {
        const values = paragraph.dataset[group].split(" ");
        return wanted.some((value) => values.includes(value));
      });
      const isFiltered = Object.keys(groups).length > 0;
      let total = 0;
      let count = 0;
      for (const { element, shown, paragraphs } of documents) {
        let here = 0;
        for (const paragraph of paragraphs) {
          paragraph.hidden = !passes(paragraph);
          here += !paragraph.hidden;
        }
        element.hidden = here === 0;
        shown.textContent = isFiltered ? ` ${number(here)} shown` : "";
        total += paragraphs.length;
        count += here;
      }
      scope.querySelector(".status").textContent =
        `${number(count)} of ${number(total)} paragraphs in ${visible().length} of ${documents.length} documents`;
      if (nothing) nothing.hidden = count > 0;
      if (clear) clear.hidden = !isFiltered;
      nameOpen();
    };

    for (const button of buttons) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        update();
      });
    }
    open.addEventListener("click", () => {
      const isOpening = visible().some((each) => !each.element.open);
      for (const { element } of visible()) element.open = isOpening;
      nameOpen();
    });
    clear?.addEventListener("click", () => {
      for (const button of buttons) button.setAttribute("aria-pressed", "false");
      update();
      buttons[0].focus();
    });
    for (const { element } of documents) element.addEventListener("toggle", nameOpen);
    scope.querySelector(".filters").hidden = false;
    update();
  };
  document.querySelectorAll(".filtered").forEach(setUp);

  // Only what scrolls is a stop for the keyboard.
  const scrollers = document.querySelectorAll(".scroll[tabindex]");
  const markScrollers = () => {
    for (const element of scrollers) {
      element.tabIndex = element.scrollWidth > element.clientWidth ? 0 : -1;
    }
  };
  addEventListener("resize", markScrollers);
  document.querySelectorAll("details.numbers").forEach((each) => each.addEventListener("toggle", markScrollers));
  markScrollers();
})();
