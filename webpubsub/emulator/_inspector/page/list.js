// A list of any length of which only the rows in sight are in the page. A grid for screen readers, moved in with arrows.

const SPARE_ROWS = 6;

export class VirtualList {
  #host; #columns; #draw; #open; #body; #spacer;
  #items = [];
  #rows = [];
  #active = -1;
  #height = 30;
  #following;

  /**
   * @param host     the element that becomes the list
   * @param label    what it is called
   * @param columns  names of the columns, which are classes of the cells, too
   * @param draw     gives the texts of the cells of an item, and the level of the row
   * @param open     is called with the item that was chosen
   * @param follow   whether to stay at the end when items are added there
   */
  constructor(host, {label, columns, draw, open, follow = false}) {
    this.#host = host;
    this.#columns = columns;
    this.#draw = draw;
    this.#open = open;
    this.#following = follow;
    this.follows = follow;
    host.setAttribute("role", "grid");
    host.setAttribute("aria-label", label);
    host.tabIndex = 0;
    const head = document.createElement("div");
    head.className = "head";
    head.setAttribute("role", "row");
    head.setAttribute("aria-rowindex", "1");
    for (const column of columns) {
      const cell = document.createElement("span");
      cell.setAttribute("role", "columnheader");
      cell.className = column;
      cell.textContent = column;
      head.append(cell);
    }
    this.#spacer = document.createElement("div");
    this.#spacer.className = "spacer";
    this.#spacer.setAttribute("role", "presentation");
    this.#body = document.createElement("div");
    this.#body.className = "rows";
    this.#body.setAttribute("role", "rowgroup");
    host.append(head, this.#spacer);
    this.#spacer.append(this.#body);
    host.addEventListener("scroll", () => this.#scrolled(), {passive: true});
    host.addEventListener("keydown", event => this.#key(event));
    host.addEventListener("click", event => this.#click(event));
    host.addEventListener("focus", () => { if (this.#active < 0 && this.#items.length > 0) this.#activate(this.#firstInSight()); });
    new ResizeObserver(() => this.#resized()).observe(host);
    this.#resized();
  }

  get active() { return this.#items[this.#active] ?? null; }

  /** Show items; `cut` of them are gone from the beginning since the last time. */
  show(items, {cut = 0, reset = false} = {}) {
    const before = this.active;
    this.#items = items;
    if (reset) this.#active = before === null ? -1 : items.indexOf(before);
    else this.#active = Math.max(-1, this.#active - cut);
    this.#host.setAttribute("aria-rowcount", String(items.length + 1));
    this.#spacer.style.height = `${items.length * this.#height}px`;
    if (this.follows) this.#host.scrollTop = this.#host.scrollHeight;
    else if (cut > 0) this.#host.scrollTop = Math.max(0, this.#host.scrollTop - cut * this.#height);
    this.#render();
  }

  /** Go to the end, and stay there. */
  toEnd() {
    this.follows = this.#following;
    this.#host.scrollTop = this.#host.scrollHeight;
    this.#render();
  }

  focus() { this.#host.focus(); }

  #resized() {
    this.#height = parseFloat(getComputedStyle(this.#host).getPropertyValue("--row")) || 30;
    this.show(this.#items);
  }

  #scrolled() {
    if (this.#following) {
      const rest = this.#host.scrollHeight - this.#host.clientHeight - this.#host.scrollTop;
      this.follows = rest < this.#height;
      this.#host.dispatchEvent(new CustomEvent("follow"));
    }
    this.#render();
  }

  #firstInSight() { return Math.ceil(this.#host.scrollTop / this.#height); }

  #render() {
    const inSight = Math.ceil(this.#host.clientHeight / this.#height);
    const first = Math.max(0, Math.floor(this.#host.scrollTop / this.#height) - SPARE_ROWS);
    const last = Math.min(this.#items.length, first + inSight + 2 * SPARE_ROWS);
    while (this.#rows.length < last - first) this.#addRow();
    this.#rows.forEach((row, place) => {
      const index = first + place;
      row.hidden = index >= last;
      if (!row.hidden) this.#fill(row, index);
    });
    const active = this.#active >= first && this.#active < last;
    if (active) this.#host.setAttribute("aria-activedescendant", this.#rows[this.#active - first].id);
    else this.#host.removeAttribute("aria-activedescendant");
  }

  #addRow() {
    const row = document.createElement("div");
    row.className = "row";
    row.id = `${this.#host.id}-${this.#rows.length}`;
    row.setAttribute("role", "row");
    for (const column of this.#columns) {
      const cell = document.createElement("span");
      cell.className = column;
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    this.#body.append(row);
    this.#rows.push(row);
  }

  #fill(row, index) {
    const item = this.#items[index];
    row.style.transform = `translateY(${index * this.#height}px)`;
    row.setAttribute("aria-rowindex", String(index + 2));
    row.setAttribute("aria-selected", String(index === this.#active));
    row.dataset.index = index;
    if (row.item === item) return;
    row.item = item;
    const {cells, kind = "", level = ""} = this.#draw(item);
    row.dataset.kind = kind;
    row.dataset.level = level;
    cells.forEach((text, place) => { row.children[place].textContent = text; });
  }

  #activate(index) {
    this.#active = Math.min(Math.max(index, 0), this.#items.length - 1);
    const top = this.#active * this.#height;
    const head = this.#host.firstElementChild.offsetHeight;
    const bottom = this.#host.clientHeight - head - this.#height;
    if (top < this.#host.scrollTop) this.#host.scrollTop = top;
    else if (top > this.#host.scrollTop + bottom) this.#host.scrollTop = top - bottom;
    this.#render();
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.#host.clientHeight / this.#height) - 2);
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
    if (event.ctrlKey || event.metaKey || event.altKey || this.#items.length === 0) return;
    if (event.key in steps) {
      event.preventDefault();
      this.#activate(Math.max(-1, this.#active) + steps[event.key]);
    } else if (event.key === "Enter" && this.active !== null) {
      event.preventDefault();
      this.#open(this.active);
    }
  }

  #click(event) {
    const row = event.target.closest(".row");
    if (row === null || String(getSelection()) !== "") return;
    this.#activate(Number(row.dataset.index));
    this.#open(row.item);
  }
}
