using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Proxy.V1;
using Mesh.ProxyHost.Limits;
using Mesh.ProxyHost.Relay;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Sessions;

/// <summary>One proxy's watch: what it holds, by version, and what it is sent next.</summary>
internal sealed class WatchStream : IDisposable
{
    // With the longest identities still far below what a proxy takes in one message.
    private const int MaxEndpoints = 5_000;

    private readonly MeshRelay _relay;
    private readonly ServiceQuota _quota;
    private readonly SpiffeId _workload;
    private readonly FeedRegistry<PolicySnapshot>.Subscription _policy;
    private readonly List<(string Name, FeedRegistry<ServiceSnapshot>.Subscription Feed)> _services = [];
    private readonly Dictionary<string, long> _heldServices = [];
    private long _heldSequence;
    private long _heldPolicy;

    public WatchStream(MeshRelay relay, ServiceQuota quota, SpiffeId workload, WatchRequest request)
    {
        (_relay, _quota, _workload) = (relay, quota, workload);
        _heldSequence = request.BundleSequence;
        _heldPolicy = request.PolicyVersion;
        _policy = relay.Policies.Subscribe(workload.Namespace!);
        try
        {
            foreach (var service in request.Services)
            {
                ReportReader.CheckServiceName(service.Name, "services");
                if (_heldServices.TryAdd(service.Name, service.Version))
                {
                    Follow(service.Name);
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public async Task RunAsync(Func<WatchResponse, CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(() => ended.TrySetResult());
        while (true)
        {
            var (response, changes) = Collect();
            if (response.HasContent())
            {
                await send(response, cancellationToken);
            }

            // The end is one of the tasks: waiting for any takes itself off the others, which may live for months.
            await Task.WhenAny(changes.Append(ended.Task));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public void Dispose()
    {
        _policy.Dispose();
        foreach (var (name, feed) in _services)
        {
            feed.Dispose();
            _quota.Return(_workload, name);
        }
    }

    private void Follow(string service)
    {
        _quota.Take(_workload, service);
        try
        {
            _services.Add((service, _relay.Services.Subscribe(service)));
        }
        catch
        {
            _quota.Return(_workload, service);
            throw;
        }
    }

    // Everything that differs from what the proxy holds, and what to wait for until something does again.
    private (WatchResponse Response, List<Task> Changes) Collect()
    {
        var response = new WatchResponse();
        var (bundle, trustChanged) = _relay.ReadTrust();
        if (bundle.Bundle.Sequence != _heldSequence)
        {
            response.SignedBundle = bundle.Jws;
            _heldSequence = bundle.Bundle.Sequence;
        }

        var (policy, policyChanged) = _policy.Read();
        if (policy is not null && policy.Version != _heldPolicy)
        {
            response.Policy = SessionMessages.ToMessage(policy, _workload.ServiceAccount!);
            _heldPolicy = policy.Version;
        }

        var changes = new List<Task> { trustChanged, policyChanged };
        var endpoints = 0;
        foreach (var (name, feed) in _services)
        {
            var (service, changed) = feed.Read();
            changes.Add(changed);
            if (service is not null && service.Version != _heldServices[name])
            {
                endpoints += service.Endpoints.Length;
                if (endpoints > MaxEndpoints && response.Services.Count > 0)
                {
                    // The rest in the next message, at once.
                    changes.Add(Task.CompletedTask);
                    break;
                }

                response.Services.Add(SessionMessages.ToMessage(service));
                _heldServices[name] = service.Version;
            }
        }

        return (response, changes);
    }
}
