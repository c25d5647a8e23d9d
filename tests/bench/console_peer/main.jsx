/** A view's page as a minimal React and React Flow app shows it: the frame at once, the graph with its figures after the data. */

import dagre from "@dagrejs/dagre";
import { Background, Controls, Handle, Position, ReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { StrictMode, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import "./main.css";

const WIDTH = 200;
const HEIGHT = 110;
const VIEW = new URL("../api/v2/journey/views/v-1", location.href).href;
const JOB = `${VIEW}/versions/1/jobs`;

async function read(url) {
  return (await fetch(url)).json();
}

async function load() {
  const [view, job] = await Promise.all([read(VIEW), read(`${JOB}/latest`)]);
  return { view, result: await read(`${JOB}/${job.id}/results`) };
}

function layOut({ view, result }) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR" });
  graph.setDefaultEdgeLabel(() => ({}));
  const figures = new Map(result.elements.map((element) => [element.id, element]));
  const edges = view.elements.flatMap(({ id, followedBy }) =>
    followedBy.map((link) => {
      const count = figures.get(id).followedBy.find((one) => one.id === link.id).connectionCount;
      return {
        id: `${id} ${link.id}`,
        source: id,
        target: link.id,
        label: count.toLocaleString(),
        style: { strokeWidth: 1 + Math.log2(1 + count) },
      };
    }),
  );
  for (const { id } of view.elements) graph.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const { source, target } of edges) graph.setEdge(source, target);
  dagre.layout(graph);
  const nodes = view.elements.map(({ id, name }) => {
    const { x, y } = graph.node(id);
    const data = { name, metrics: figures.get(id).metrics };
    return { id, type: "element", data, position: { x: x - WIDTH / 2, y: y - HEIGHT / 2 } };
  });
  return { nodes, edges };
}

function Element({ data: { name, metrics } }) {
  return (
    <div className="element">
      <Handle type="target" position={Position.Left} />
      <strong>{name}</strong>
      <span>{metrics.participantCount.toLocaleString()} customers</span>
      <span>{metrics.completedCount.toLocaleString()} completed</span>
      <span>{metrics.activeCount.toLocaleString()} active</span>
      <span>{metrics.dropoutCount.toLocaleString()} dropped out</span>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

const TYPES = { element: Element };

function View() {
  const [data, setData] = useState();
  useEffect(() => {
    load().then(setData);
  }, []);
  const drawn = useMemo(() => data && layOut(data), [data]);
  return (
    <>
      <h1>{data ? data.view.name : "Journeys"}</h1>
      <div className="graph">
        {drawn && (
          <ReactFlow nodes={drawn.nodes} edges={drawn.edges} nodeTypes={TYPES} fitView minZoom={0.05}>
            <Background />
            <Controls />
          </ReactFlow>
        )}
      </div>
    </>
  );
}

createRoot(document.getElementById("app")).render(
  <StrictMode>
    <View />
  </StrictMode>,
);
