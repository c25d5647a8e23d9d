/** The choice of the tool that delivers. */

import { useState } from "preact/hooks";
import { TextField } from "../../../components/forms";
import { Empty } from "../../../components/states";
import { byName } from "../../../formats";
import { address } from "../../../routing";
import type { Sender } from "../requests";

/** Senders that stand for any tool. They come after the tools with a name. */
const GENERAL = ["standard", "cloudevents", "hmac"];

export function ChooseSender({ senders, configurationId }: { senders: readonly Sender[]; configurationId: string }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLocaleLowerCase();
  const rank = (sender: Sender) => GENERAL.indexOf(sender.name) + 1;
  const shown = [...senders]
    .sort((one, other) => rank(one) - rank(other) || byName(one.title, other.title))
    .filter((one) => `${one.title} ${one.sends}`.toLocaleLowerCase().includes(wanted));
  return (
    <section class="stack" aria-label="Choose the tool">
      <div class="row apart toolbar">
        <h2>1. Which tool sends the events?</h2>
        <div class="filters">
          <TextField label="Search tools" type="search" value={text} onValue={setText} />
        </div>
      </div>
      {shown.length === 0 ? (
        <Empty title="No tool matches">
          <p>Any tool that signs its body with an HMAC can be connected as well.</p>
          <button
            type="button"
            onClick={() => {
              setText("");
            }}
          >
            Show all tools
          </button>
        </Empty>
      ) : (
        <ul class="senders">
          {shown.map((sender) => (
            <li key={sender.name}>
              <SenderLink
                sender={sender}
                href={address(["sources", "endpoints", "new"], {
                  sender: sender.name,
                  configuration: configurationId,
                })}
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function SenderLink({ sender, href }: { sender: Sender; href: string }) {
  return (
    <a class="sender" href={href}>
      <span class="mark" aria-hidden="true">
        {sender.title.slice(0, 1)}
      </span>
      <span>
        <strong>{sender.title}</strong>
        <span class="soft small">{sender.sends}</span>
      </span>
    </a>
  );
}
