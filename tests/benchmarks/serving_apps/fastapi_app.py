"""Bare FastAPI over ONNX Runtime."""

# FastAPI reads these annotations at run time, so they stay real.

import uvicorn
from fastapi import FastAPI
from messages import Answers, Row
from onnx_rows import PORT, Rows
from pydantic import BaseModel

app = FastAPI()
ROWS = Rows()


class Asked(BaseModel):
    """The body of a request."""

    flights: list[Row]


@app.post("/predict")
async def predict(asked: Asked) -> Answers:
    """Score each row."""
    return Answers.model_validate(ROWS.answers([vars(row) for row in asked.flights]))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
