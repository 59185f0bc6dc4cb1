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
