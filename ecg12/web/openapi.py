"""The description of the service in OpenAPI 3.1."""

from typing import Any

from ecg12.runtime.version import __version__
from ecg12.web.limits import MEGABYTE, Limits

_STRING, _NUMBER, _FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _STRING}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(what: Any) -> dict[str, Any]:
    return {"type": "array", "items": what}


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _named(name)}}


ABOUT = "12-lead ECG classification. Research software, not a medical device."
SECURITY: list[dict[str, list[str]]] = [{}, {"token": []}]  # none, or a token
REFUSALS = {
    "401": "A token is needed and is not given, or is another one.",
    "403": "The request comes from a page of another origin.",
    "408": "The body arrived too slowly.",
    "413": "The body, the number of files or the number of recordings is too large.",
    "421": "The Host header names a host that this service does not answer to.",
    "429": "Too many requests of this client are in progress; see Retry-After.",
    "503": "Too many requests are in progress, or the answer took too long; see Retry-After.",
}
SCHEMAS = {
    "Answer": _object(
        notice=_STRING,
        recordings=_list(_named("Prediction")),
        failures=_list(_named("Failure")),
        signals=_list(_named("Signals")),
        explanation={
            "type": ["object", "null"], "additionalProperties": _named("Explanation"),
        },
        csv=_STRING,
    ),
    "Prediction": _object(
        source=_STRING, leads=_TEXTS, rate=_NUMBER, seconds=_NUMBER,
        classes=_list(_named("ClassPrediction")), quality=_named("Quality"), diagnoses=_TEXTS,
        coverage=_NUMBER, ood_percentile={"type": ["number", "null"]},
    ),
    "ClassPrediction": _object(
        codes=_TEXTS, abbreviation=_STRING, name=_STRING, positive=_FLAG, score=_NUMBER,
        probability={"type": ["number", "null"]}, votes={"type": "integer"},
        thresholds=_list(_NUMBER), answer={"enum": ["yes", "no", "uncertain", ""]},
        prediction_set={"type": ["array", "null"], "items": _STRING},
    ),
    "Quality": _object(
        verdict={"enum": ["good", "usable", "unusable"]}, reasons=_TEXTS, warnings=_TEXTS,
        used=_TEXTS, derived=_TEXTS, absent=_TEXTS, ignored=_TEXTS, missing=_NUMBER,
    ),
    "Failure": _object(source=_STRING, reason=_STRING),
    "Signals": _object(
        leads={"type": "object", "additionalProperties": _STRING}, rate=_NUMBER, step=_NUMBER,
        start=_NUMBER, seconds=_NUMBER, length=_NUMBER, silent=_TEXTS,
        heart_rate={"type": ["number", "null"]}, to_scale=_FLAG, amplitude_note=_STRING,
        filtered=_STRING, reason=_STRING,
    ),
    "Explanation": _object(
        summary=_STRING, top_leads=_TEXTS, edges=_list(_NUMBER), largest=_NUMBER,
        lead_shares={"type": "object", "additionalProperties": _NUMBER},
        map={"type": "object", "additionalProperties": _list({"type": "integer"})},
    ),
    "Refusal": _object(error=_STRING),
}  # fmt: skip


PARTS = {
    "file": {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": "Files of any format that is read, each a part with a filename. A "
        "header and its signal files go together; several recordings may, too.",
    },
    "rate": {**_NUMBER, "description": "Sampling rate in Hz, for arrays of numbers."},
    "unit": {**_STRING, "description": "nV, uV, mV, V or a step such as 5 uV, for arrays."},
    "leads": {**_STRING, "description": "Names in the order of the array, such as I,II,V1."},
    "coverage": {
        **_NUMBER, "description": "From .5 to .99: each class is answered yes, no or "
        "uncertain, so that this share has no wrong answer.",
    },
    "start": {
        **_NUMBER, "description": "Where the 10 s of signals begin, in s; the predictions are "
        "those of the beginning of the recording whatever it is.",
    },
    "include": {
        **_STRING, "description": "What the answer holds besides, with commas between: "
        "signals (what the page draws), explanation (of one recording: the leads and times "
        "that its diagnoses rest on; seconds), csv; failures (status 200 whatever failed).",
    },
}  # fmt: skip
ANSWERED = {
    "200": "Predictions; files that cannot be read are among the failures.",
    "415": "The body is not multipart/form-data (error), or no file is of a format that is read "
    "(failures).",
    "422": "A part or field cannot be used (error), or there is no prediction for any recording "
    "(failures).",
}


def openapi(limits: Limits, root_path: str = "") -> dict[str, Any]:
    """Return the description.

    Parameters
    ----------
    limits
        What it names.
    root_path
        Where the service is mounted, as clients see it.
    """
    info = {"title": "ecg12", "version": __version__, "description": ABOUT}
    tokens = {"token": {"type": "http", "scheme": "bearer"}}
    model = {**_plain("Classes, thresholds, formats and limits"), "security": SECURITY}
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": root_path or "/"}],
        "paths": {
            "/v1/predict": {"post": _predict(limits)},
            "/v1/model": {"get": model},
            "/health": {"get": _plain("Whether the service runs")},
        },
        "components": {"schemas": SCHEMAS, "securitySchemes": tokens},
    }


def _predict(limits: Limits) -> dict[str, Any]:
    size = f"{limits.request_bytes / MEGABYTE:g} MiB"
    schema = {"type": "object", "required": ["file"], "properties": PARTS}
    return {
        "summary": "Predict recordings",
        "description": "The answer is what ecg12 predict --format json prints. At most "
        f"{limits.files} files, {limits.recordings} recordings and {size} in one request. "
        "Nothing that is sent is kept.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": _responses(ANSWERED, "Answer") | _responses(REFUSALS, "Refusal"),
        "security": SECURITY,
    }


def _responses(texts: dict[str, str], schema: str) -> dict[str, Any]:
    return {
        status: {"description": text, "content": _body(schema)} for status, text in texts.items()
    }


def _plain(summary: str) -> dict[str, Any]:
    answer = {"description": "A JSON object.", "content": {"application/json": {}}}
    return {"summary": summary, "responses": {"200": answer}}
