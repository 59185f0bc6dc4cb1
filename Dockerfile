# A small image that predicts and serves, without TensorFlow; a plain `docker build .` gives the challenge's, below.
#   docker build --target predict -t ecg12-predict .
#   docker run --rm -p 8000:8000 -e ECG12_TOKEN=... ecg12-predict
#   docker run --rm -v "$PWD/data:/data:ro" ecg12-predict predict /data
FROM python:3.11-slim AS predict

# Before the code, so that a change of code does not install everything again.
COPY pyproject.toml constraints.txt /src/
RUN python -c "import tomllib; p = tomllib.load(open('/src/pyproject.toml', 'rb'))['project']; \
extras = p['optional-dependencies']; print(*p['dependencies'], *extras['onnx'], *extras['formats'], \
*(r for r in extras['web'] if not r.startswith('ecg12[')), sep='\n')" > /src/requirements.txt \
    && pip install --no-cache-dir -r /src/requirements.txt -c /src/constraints.txt
COPY LICENSE.txt README.md /src/
COPY ecg12 /src/ecg12
RUN pip install --no-cache-dir --no-deps /src && rm -r /src

USER 65534:65534
WORKDIR /tmp
EXPOSE 8000
ENTRYPOINT ["ecg12"]
CMD ["serve", "--host", "0.0.0.0"]

# The challenge's image.
FROM python:3.11-slim

# TensorFlow brings the CUDA libraries that match it; without a GPU, or with a driver too old for
# them, it runs on the CPU and says so. For an image without CUDA:
#   docker build --build-arg TENSORFLOW=tensorflow-cpu .
ARG TENSORFLOW=tensorflow[and-cuda]

# A run writes into the folder it is given and into /tmp, nowhere else.
ENV KERAS_HOME=/tmp/keras PYTHONDONTWRITEBYTECODE=1

# Before the code, so that a change of code does not install everything again.
COPY requirements.txt constraints.txt /
RUN sed -i "s/^tensorflow==/${TENSORFLOW}==/" /requirements.txt \
    && pip install --no-cache-dir -r /requirements.txt -c /constraints.txt

## DO NOT EDIT these 3 lines.
RUN mkdir /physionet
COPY ./ /physionet
WORKDIR /physionet
