"""No Keras at all: a training loop of PyTorch, whose epochs are marked."""
# backends: torch
import torch
from orchestrated import epochs

torch.manual_seed(12)
x = torch.randn(512, 16)
y = (x[:, 0] * x[:, 1] > 0).long()
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
score = torch.nn.CrossEntropyLoss()

for epoch in epochs(3, model=model):
    model.train()
    for begin in range(0, 448, 32):
        loss = score(model(x[begin:begin + 32]), y[begin:begin + 32])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    epoch.trained(loss=loss, batches=14, samples=448)
    with torch.no_grad():
        says = model.eval()(x[448:])
    epoch.metrics(val_loss=score(says, y[448:]), val_acc=(says.argmax(1) == y[448:]).float().mean())
    print("epoch", epoch + 1, float(loss))
