"""What ``hybrid ask`` does, in Python: ``python pipelines/ask.py "QUESTION" [PIPELINE]``."""

import sys

import hybrid

question = sys.argv[1]
name = sys.argv[2] if len(sys.argv) > 2 else "quickstart"

pipeline = hybrid.Pipeline.load(name)
answer = pipeline.ask(question)
print(answer.text)

documents = {passage.id: passage.document for passage in answer.passages}
for citation in answer.citations:
    print(f"{citation.marker} cites {documents[citation.passage]}")

# The same retriever for LlamaIndex, where it is a BaseRetriever like any other.
retriever = pipeline.retriever.as_llama_index()
for node in retriever.retrieve(question):
    place = f"{node.metadata['document']} ({node.metadata['start']}–{node.metadata['end']})"
    print(f"{node.score:.3f} {place}: {' '.join(node.text.split())[:80]}")
