/** Tabs that are links, so that each has an address. */

import "./tabs.css";

export interface Tab {
  readonly title: string;
  readonly href: string;
  readonly current: boolean;
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav aria-label={label} class="tabs">
      <ul>
        {tabs.map((tab) => (
          <li key={tab.href}>
            <a href={tab.href} aria-current={tab.current ? "page" : undefined}>
              {tab.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
