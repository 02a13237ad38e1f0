using Grpc.Net.Client;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Session;

/// <summary>A session with one ProxyHost under one certificate.</summary>
internal sealed class OpenSession(SvidCredential credential, GrpcChannel channel)
{
    private readonly TaskCompletionSource _retired = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SvidCredential Credential => credential;

    public ProxySession.ProxySessionClient Client { get; } = new(channel);

    /// <summary>Ends when another session has taken its place.</summary>
    public Task Retired => _retired.Task;

    /// <summary>Ends the watch; calls that are under way are given time to end before the connection is closed.</summary>
    public void Retire()
    {
        _retired.TrySetResult();
        _ = CloseLaterAsync();
    }

    private async Task CloseLaterAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System);
        channel.Dispose();
    }
}
