// Reads a graph file from standard input, as GEXF or GraphML, and says what it holds as JSON: how a program that is not ours sees it.
const { UndirectedGraph } = require("graphology");
const formats = { gexf: require("graphology-gexf"), graphml: require("graphology-graphml") };

const text = require("fs").readFileSync(0, "utf8");
const graph = formats[process.argv[2]].parse(UndirectedGraph, text);
process.stdout.write(JSON.stringify(graph.export()));
